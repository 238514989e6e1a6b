"""A simulated connection told from its arguments: every packet with time, fate and reasons, and a digest of it all.

python -m tests.support.simulated    arguments as JSON, a line each, on stdin; a digest for each on stdout
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from typing import Any

from netwright.core.errors import NetwrightError
from netwright.proto.tcp.settings import Settings
from netwright.sim.link import Path
from netwright.sim.pair import Pair, send_all
from netwright.sim.trace import Trace

__all__ = ["digest", "story"]

_UNTIL, _PACKETS = 30.0, 20_000  # virtual seconds, packets that are told


def story(case: dict[str, Any]) -> Iterator[str]:
    """What happens, a line each.  ``case``: seed, size, answer, and arguments of client, server, there and back."""
    trace = Trace(limit=_PACKETS)
    client, server = (Settings(**case[name]) for name in ("client", "server"))
    there, back = (Path(**case[name]) for name in ("there", "back"))
    pair = Pair(client=client, server=server, there=there, back=back, seed=case["seed"], trace=trace)
    pair.client.program, pair.server.program = send_all(case["size"]), send_all(case["answer"])
    try:
        pair.run(until=_UNTIL)
    except NetwrightError as error:  # a program that sends where the connection has ended
        yield repr(error)
    for seen in trace:
        yield f"{seen.at!r} {seen.host} {seen.segment} {seen.segment.timestamps} {seen.fate} {seen.reasons}"
    for side in (pair.client, pair.server):
        yield f"{side!r} {side.link.counters} {side.endpoint.end} {side.endpoint.sender.recovery!r}"


def digest(case: dict[str, Any]) -> str:
    """Equal for equal stories; the number of lines, then a hash."""
    lines = list(story(case))
    told = "\n".join(lines)
    return f"{len(lines)} {hashlib.sha256(told.encode()).hexdigest()}"


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(digest(json.loads(line)) + "\n")
        sys.stdout.flush()
