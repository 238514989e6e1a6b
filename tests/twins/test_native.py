"""The kernel's epoll set is to a selector what ``select.epoll`` is, and a native engine is an engine."""

import itertools
import selectors
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("netwright.aio._native", reason="the kernel is not built")

from netwright.aio.loop import Selector  # only where the kernel is

MASKS = (selectors.EVENT_READ, selectors.EVENT_WRITE, selectors.EVENT_READ | selectors.EVENT_WRITE)
VERBS: dict[str, Any] = {
    "register": lambda selector, left, right, mask, number: selector.register(left, mask, number),
    "modify": lambda selector, left, right, mask, number: selector.modify(left, mask, number),
    "unregister": lambda selector, left, right, mask, number: selector.unregister(left),
    "send": lambda selector, left, right, mask, number: right.send(b"x"),
    "receive": lambda selector, left, right, mask, number: left.recv(1),
    "shutdown": lambda selector, left, right, mask, number: right.shutdown(socket.SHUT_WR),
}
steps = st.lists(
    st.tuples(
        st.sampled_from(list(VERBS)),
        st.integers(0, 2),
        st.sampled_from(MASKS),
    ),
    max_size=20,
)


def play(selector: selectors.BaseSelector, played: list[tuple[str, int, int]]) -> list[object]:
    """Everything that ``selector`` says about three sockets while things happen to them."""
    pairs = [socket.socketpair() for _ in range(3)]
    seen: list[object] = []
    for sock in itertools.chain(*pairs):
        sock.setblocking(False)
    with selector:
        for verb, number, mask in played:
            try:
                VERBS[verb](selector, *pairs[number], mask, number)
            except (KeyError, OSError) as error:
                seen.append(type(error))
            seen.append(sorted((key.data, events) for key, events in selector.select(0)))
            seen.append(len(selector.get_map()))
    for sock in itertools.chain(*pairs):
        sock.close()
    return seen


@given(steps)
def test_selector_says_what_the_standard_one_says(played: list[tuple[str, int, int]]) -> None:
    assert play(Selector(), played) == play(selectors.EpollSelector(), played)


def test_selector_waits_as_long_as_it_is_told() -> None:
    with Selector() as selector:
        assert selector.select(0.001) == []
        assert selector.poller.count == 0
