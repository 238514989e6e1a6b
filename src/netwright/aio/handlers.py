"""Check that an object can handle connections."""

import inspect
from collections.abc import Awaitable, Callable
from functools import partial

from netwright.core.errors import UsageError
from netwright.proto.stream import Stream

__all__ = ["Handler", "check_handler"]

Handler = Callable[[Stream], Awaitable[None]]


def check_handler(handler: Handler) -> None:
    """Refuse a handler that would fail at the first connection.

    Raises:
        UsageError: it cannot be called, or is a plain function or a generator.
    """
    if not callable(handler):
        raise UsageError(f"{handler!r} is not a handler", advice="pass an async function that takes a stream")
    inner = inspect.unwrap(handler.func if isinstance(handler, partial) else handler)
    plain = inspect.isroutine(inner) and not inspect.iscoroutinefunction(inner)
    name = getattr(inner, "__name__", "")
    if plain and name != "<lambda>":  # which may return what can be awaited
        kind = "an async generator" if inspect.isasyncgenfunction(inner) else "a plain function"
        raise UsageError(f"handler {name!r} is {kind}", advice="write it with async def, without yield")
