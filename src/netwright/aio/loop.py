"""An asyncio loop whose selector is the native engine's epoll set: one system call a turn for both."""

import asyncio
import selectors

from netwright.aio._native import LoopSet, Poller
from netwright.aio.choice import adopt
from netwright.aio.native import NativeEngine, own_clock

__all__ = ["Selector", "loop_factory", "on_selector"]


class Selector(selectors.EpollSelector):
    """The selector of an asyncio loop, with the engine's streams on the same epoll set."""

    _selector: LoopSet
    _selector_cls = LoopSet

    @property
    def poller(self) -> Poller:
        """The poller of the streams, which exists once a loop uses the selector."""
        return self._selector.poller


def on_selector(loop: asyncio.AbstractEventLoop, selector: Selector) -> None:
    """Make ``loop``, whose selector is ``selector``, use the engine in it."""
    selector.poller.loop = loop
    selector.poller.clock = own_clock(loop)
    adopt(loop, NativeEngine(loop, selector.poller))


def loop_factory() -> asyncio.AbstractEventLoop:
    """A loop for ``asyncio.Runner`` or ``asyncio.run``: one system call a turn for its descriptors and the engine's."""
    selector = Selector()
    loop = asyncio.SelectorEventLoop(selector)
    on_selector(loop, selector)
    return loop
