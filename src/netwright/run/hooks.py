"""Report start and stop hooks that do not return, while they hang."""

import functools
import inspect
import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

__all__ = ["HookWatch", "place_of_hook"]

FIRST = 1.5  # seconds until the first report of a hook; each later one comes after twice the time
LOOK = 0.1  # seconds between two looks
_log = logging.getLogger("netwright")


class HookWatch:
    """While entered, a thread reports a hook that runs for 1.5, 3, 6, … seconds.  A thread, since a hook may block.

    Args:
        running: returns the hook that runs now, or None.
    """

    def __init__(self, running: Callable[[], Callable[[], object] | None]) -> None:
        self._running = running
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="hook watch", daemon=True)
        self._hook: Callable[[], object] | None = None
        self._since = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def describe(self) -> str:
        """Return the running hook and for how long it has run; "" if none runs."""
        hook = self._running()
        if hook is None:
            return ""
        for_long = f" after {time.monotonic() - self._since:.1f} s" if hook is self._hook else ""
        return f"hook {place_of_hook(hook)}{for_long}"

    def _watch(self) -> None:
        due = FIRST
        while not self._ended.wait(LOOK):
            now, hook = time.monotonic(), self._running()
            if hook is not self._hook:
                self._hook, self._since, due = hook, now, FIRST
            if hook is not None and now - self._since >= due:
                _log.warning("waiting for hook %s, %.1f s so far; Ctrl-C stops", place_of_hook(hook), now - self._since)
                due *= 2


def place_of_hook(hook: Callable[[], object]) -> str:
    """Return the hook's name and where it is defined: ``slow (/srv/app.py:5)``."""
    while isinstance(hook, functools.partial):
        hook = hook.func
    inner = inspect.unwrap(hook)
    name = getattr(inner, "__qualname__", type(inner).__qualname__)
    code = getattr(inner, "__code__", None)
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code is not None else str(name)
