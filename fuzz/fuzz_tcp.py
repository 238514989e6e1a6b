"""A peer that says anything, at a TCP endpoint in any state and at a listener: no exception is allowed.

    python -m fuzz.fuzz_tcp --executions 20000 [--seed 1]

An execution is a dialogue of up to 30 segments, calls and waits; half of the segments are close to what is expected.
A failure prints the seed of its execution, and ``--seed N --executions 1`` repeats it.
"""

import sys
from dataclasses import fields, replace
from random import Random
from typing import Any

from tests.support.tcp_states import SMALL, act, bounded, in_state

from fuzz.mutate import converse
from netwright.proto.tcp.congestion.registry import control_names
from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.listener import Listener
from netwright.proto.tcp.policy import RFC_5961, Policy
from netwright.proto.tcp.segment import ACK, Segment, SynOptions, wrap
from netwright.proto.tcp.state import State

CALLS = ("send", "read", "send_eof", "close", "abort", "nodelay", "cork", "uncork")
STATES = [state for state in State if state is not State.LISTEN]


def number(random: Random, near: int) -> int:
    """A sequence number: mostly close, sometimes far."""
    return near + random.choice((0, 0, 1, -1, random.randint(-200, 1200), random.randint(-(2**33), 2**33)))


def segment(random: Random, endpoint: Endpoint) -> Segment:
    """What a confused, broken or hostile peer might send now."""
    receiver, sender = endpoint.receiver, endpoint.sender
    ours = (sender.snd_una, sender.snd_nxt)
    blocks = tuple(
        (start, start + random.randint(-5, 400))
        for start in (number(random, random.choice(ours)) for _ in range(random.choice((0, 0, 1, 2, 4))))
    )
    options = SynOptions(random.choice((None, 0, 536, 65535)), random.choice((None, 0, 14, 255)), random.random() < 0.5)
    return Segment(
        number(random, receiver.rcv_nxt),
        number(random, random.choice(ours)),
        ACK if random.random() < 0.5 else random.randrange(256),
        random.choice((0, 1, 500, 65535)),
        bytes(random.choice((0, 0, 1, 100, 1500))),
        random.choice((None, (random.randrange(10**6), random.randrange(10**6)))),
        blocks,
        options if random.random() < 0.3 else None,
        random.randrange(4),
    )


def choices(random: Random) -> dict[str, Any]:
    """Settings that an endpoint may have."""
    switches = {name: random.random() < 0.5 for name in ("sack", "timestamps", "pacing", "frto", "tail_loss_probe")}
    policy = Policy(**{field.name: random.random() < 0.5 for field in fields(Policy)})
    policy = policy if random.random() < 0.5 else RFC_5961
    return switches | {"congestion": random.choice(control_names()), "policy": policy}


def talk(random: Random) -> None:
    """One dialogue with an endpoint, whose segments also pass through 32 bits."""
    endpoint, now = in_state(random.choice(STATES), replace(SMALL, **choices(random))), 1.0
    for _ in range(random.randint(1, 30)):
        roll = random.random()
        if roll < 0.6:
            heard = segment(random, endpoint)
            endpoint.receive(endpoint.lift(wrap(heard)) if random.random() < 0.5 else heard, now)
        elif roll < 0.8:
            act(endpoint, random.choice(CALLS), now)
        else:
            now += random.choice((0.0, 0.001, 0.05, 1.0, 100.0))
            endpoint.expire(now)
        bounded(endpoint)


def knock(random: Random) -> None:
    """One crowd at a listener; its queues stay within their limits."""
    listener = Listener(SMALL, draw=lambda peer: (random.randrange(2**32), 0), backlog=2, syn_backlog=4)
    now = 0.0
    for _ in range(random.randint(1, 30)):
        peer = random.randrange(6)
        endpoint = listener.half_open_endpoint(peer) or in_state(State.CLOSED)
        listener.receive(peer, segment(random, endpoint), now)
        now += random.choice((0.0, 0.1, 5.0))
        listener.expire(now)
        listener.take_segments()
        if random.random() < 0.1:
            listener.accept()
        assert listener.half_open <= 4
        assert listener.waiting <= 3


def once(random: Random, seed: int) -> None:
    """One execution: four dialogues to a crowd."""
    if seed % 5 == 0:
        knock(random)
    else:
        talk(random)


def main() -> int:
    """Run; the first failure ends it."""
    return converse(once, "fuzz_tcp", "fuzz the TCP endpoint and listener")


if __name__ == "__main__":
    sys.exit(main())
