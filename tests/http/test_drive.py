import asyncio
from contextvars import ContextVar, copy_context

import pytest

from netwright.http.drive import drive

calls: list[str] = []
variable = ContextVar("variable", default="outside")


def suspended() -> None:
    calls.append("suspended")


@pytest.fixture(autouse=True)
def forget() -> None:
    calls.clear()


async def test_coroutine_that_never_waits_is_not_suspended() -> None:
    async def work() -> int:
        return 7

    assert await drive(work(), copy_context(), suspended) == 7
    assert calls == []


async def test_coroutine_that_waits_is_told_once() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        await asyncio.sleep(1)
        return 7

    assert await drive(work(), copy_context(), suspended) == 7
    assert calls == ["suspended"]


async def test_task_tools_work_inside() -> None:
    """asyncio.timeout and TaskGroup ask for the current task."""

    async def work() -> str:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.sleep(10)
        with pytest.raises(ExceptionGroup):
            await grouped()
        return "done"

    async def grouped() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            await asyncio.sleep(10)

    async def fail() -> None:
        raise ValueError

    assert await drive(work(), copy_context(), suspended) == "done"


async def test_error_comes_out_and_cancel_goes_in() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("planted")

    with pytest.raises(ValueError, match="planted"):
        await drive(fail(), copy_context(), suspended)

    async def wait() -> None:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            calls.append("cancelled")
            raise

    async def outer() -> None:
        await drive(wait(), copy_context(), suspended)

    task = asyncio.get_running_loop().create_task(outer())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert calls[-1] == "cancelled"


async def test_context_is_the_coroutine_s_own_in_every_step() -> None:
    async def work() -> str:
        variable.set("inside")
        await asyncio.sleep(0)
        async with asyncio.TaskGroup() as group:
            child = group.create_task(look())
        return variable.get() + " " + child.result()

    async def look() -> str:
        return variable.get()

    assert await drive(work(), copy_context(), suspended) == "inside inside"
    assert variable.get() == "outside"


async def test_closing_the_outside_closes_the_inside() -> None:
    async def work() -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            calls.append("closed")

    async def outer() -> None:
        await drive(work(), copy_context(), suspended)

    running = outer()
    running.send(None)
    running.close()
    assert calls[-1] == "closed"
