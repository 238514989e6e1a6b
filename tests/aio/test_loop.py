"""A loop whose selector is the engine's epoll set; test_native runs every body on it too."""

import asyncio

import pytest

pytest.importorskip("netwright.aio._stream", reason="the kernel is not built")

from netwright.aio.choice import engine  # only where the kernel is
from netwright.aio.loop import Selector, loop_factory


def test_loop_has_the_native_engine_in_its_selector() -> None:
    with asyncio.Runner(loop_factory=loop_factory) as runner:

        async def body() -> tuple[str, object]:
            return engine().name, vars(asyncio.get_running_loop())["_selector"]

        name, selector = runner.run(body())
    assert name == "native"
    assert isinstance(selector, Selector)
