"""netwright.sim.driver: a stack on a loop."""

import asyncio

from netwright.proto.tcp.events import End, Event
from netwright.proto.tcp.state import State
from netwright.sim.driver import Driver
from netwright.sim.link import Path
from tests.support.stacks import LEFT, RIGHT, joined, stack_of


async def test_a_lost_syn_is_sent_again_by_the_loops_timer() -> None:
    """RFC 6298 §2.1: after a second."""
    path = Path(delay=0.01, loss=lambda random: random.random() < 0.3)
    left, right = joined(stack_of(LEFT), stack_of(RIGHT, seed=2), path)
    port = right.stack.listen("10.0.0.2", 80)
    told: list[bool] = []
    port.told = lambda: told.append(True)
    made = [left.stack.connect("10.0.0.2", 80, left.now()) for _ in range(8)]
    left.flush()
    await asyncio.sleep(100)
    assert {connection.endpoint.state for connection in made} == {State.ESTABLISHED}
    assert len(told) == len(port.arrived) == 8
    for driver in (left, right):
        driver.close()


async def test_close_resets_what_is_open_and_tells() -> None:
    left, right = joined(stack_of(LEFT), stack_of(RIGHT, seed=2))
    right.stack.listen("10.0.0.2", 80)
    connection = left.stack.connect("10.0.0.2", 80, left.now())
    events: list[Event] = []
    connection.told = events.extend
    left.flush()
    await asyncio.sleep(1)
    assert events == [Event.CONNECTED]
    left.close()
    assert (events, connection.endpoint.end) == ([Event.CONNECTED, Event.CLOSED], End.ABORTED)
    await asyncio.sleep(1)
    assert right.stack.connections == []
    assert repr(left).startswith("<Driver <Stack 10.0.0.1")


async def test_what_was_received_is_shown_before_anybody_answers() -> None:
    left, right = joined(stack_of(LEFT), stack_of(RIGHT, seed=2))
    order: list[str] = []
    seen = Driver(
        right.stack,
        right.loop,
        lambda outgoing: order.append("sent"),
        received=lambda packet: order.append("received"),
    )
    connection = left.stack.connect("10.0.0.2", 80, left.now())
    (outgoing,) = left.stack.take_packets()
    seen.receive(outgoing.data)
    seen.flush()
    assert order == ["received", "sent"]
    connection.abort(left.now())
