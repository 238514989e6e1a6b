"""Asynchronous tests run on a loop whose clock jumps (tests/support/clock.py); ``realtime`` opts out."""

import asyncio
import inspect
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.clock import jumping_loop

# A loaded machine is slow: speed is a benchmark's business, never a property's.
_LOADED = (HealthCheck.too_slow,)
settings.register_profile("netwright", deadline=None, suppress_health_check=_LOADED)
settings.register_profile("quick", deadline=None, suppress_health_check=_LOADED, max_examples=12)  # make check
settings.load_profile("netwright")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run ``async def`` tests to the end on a loop of their own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: value for name, value in pyfuncitem.funcargs.items() if name in wanted}
    usual: Any = asyncio.new_event_loop if pyfuncitem.get_closest_marker("realtime") else jumping_loop
    factory: Any = pyfuncitem.funcargs.get("loop_factory", usual)
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(pyfuncitem.obj(**arguments))
    return True
