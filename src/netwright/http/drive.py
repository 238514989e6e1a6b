"""A handler's coroutine stepped inside of its connection's task: no task and no loop turn for one that never waits.

The connection's task stays the current task, so ``asyncio.timeout``, ``TaskGroup`` and what builds on them work; each
request has a context of its own, so context variables do not leak from one to the next.
"""

import types
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from typing import Any, TypeVar

__all__ = ["drive"]

T = TypeVar("T")


@types.coroutine
def drive(coroutine: Coroutine[Any, Any, T], context: Context, suspended: Callable[[], None]) -> Generator[Any, Any, T]:
    """Run ``coroutine`` in ``context``; ``suspended`` is called once, when it waits for the first time."""
    try:
        waits_for = context.run(coroutine.send, None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # StopIteration carries Any
    suspended()
    while True:
        try:
            value = yield waits_for
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as error:  # handed on, not handled: it belongs to the coroutine
            step: Callable[[], Any] = _throw(coroutine, error)
        else:
            step = _send(coroutine, value)
        try:
            waits_for = context.run(step)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


def _throw(coroutine: Coroutine[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: coroutine.throw(error)


def _send(coroutine: Coroutine[Any, Any, Any], value: Any) -> Callable[[], Any]:
    return lambda: coroutine.send(value)
