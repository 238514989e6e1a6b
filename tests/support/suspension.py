"""Something happens exactly where a coroutine suspends for the n-th time."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any


class AtSuspension:
    """Awaits ``work``; at its ``count``-th suspension calls ``act``, before anything else can happen."""

    def __init__(self, work: Coroutine[Any, Any, None], count: int, act: Callable[[], object]) -> None:
        self.work, self.count, self.act, self.seen = work, count, act, 0

    def __await__(self) -> Generator[Any, Any, None]:
        inner, step = self.work, partial(self.work.send, None)
        while True:
            try:
                yielded = step()
            except StopIteration:
                return
            self.seen += 1
            if self.seen == self.count:
                asyncio.get_running_loop().call_soon(self.act)
            try:
                step = partial(inner.send, (yield yielded))
            except BaseException as error:  # what the loop throws goes on to the work
                step = partial(inner.throw, error)


async def cancelled_at(work: Coroutine[Any, Any, None], count: int) -> bool:
    """Run ``work`` in a task that is cancelled at its ``count``-th suspension; False if it has fewer."""

    async def run() -> None:
        task = asyncio.current_task()
        assert task is not None
        await AtSuspension(work, count, task.cancel)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(run())
    return task.cancelled()
