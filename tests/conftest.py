"""Asynchronous tests run on a loop whose clock jumps (tests/support/clock.py); ``realtime`` opts out."""

import asyncio
import inspect

import pytest

from tests.support.clock import jumping_loop


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run ``async def`` tests to the end on a loop of their own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: value for name, value in pyfuncitem.funcargs.items() if name in wanted}
    factory = asyncio.new_event_loop if pyfuncitem.get_closest_marker("realtime") else jumping_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(pyfuncitem.obj(**arguments))
    return True
