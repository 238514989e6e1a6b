"""End the process in bounded time, even if a thread or a task does not end.

A thread, a blocked event loop, or a handler that catches its cancellation would otherwise keep the interpreter alive.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable

__all__ = ["GRACE", "exit_now", "exit_within"]

GRACE = 2.0  # seconds from the end of the drain to the end of the process
JOIN = 0.5  # seconds that other threads have to end
_log = logging.getLogger("netwright")


def exit_within(seconds: float, code: int, cut: Callable[[], str] = str) -> threading.Timer:
    """End the process with exit code ``code`` after ``seconds``, unless it has ended or the timer is cancelled first.

    ``cut`` is called in the timer's thread; it returns what was still running, for the log.
    """

    def end() -> None:
        _end(f"still running {seconds:g} s later, cut: {cut() or 'what was left'}", code)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    return timer


def exit_now(code: int) -> None:
    """End the process as ``sys.exit`` does; threads that do not end within JOIN are cut."""
    until = time.monotonic() + JOIN
    others = [t for t in threading.enumerate() if not t.daemon and t is not threading.current_thread()]
    for thread in others:
        thread.join(max(0.0, until - time.monotonic()))
    busy = [thread.name for thread in others if thread.is_alive()]
    if busy:
        _end(f"still running, cut: thread {', '.join(busy[:3])}{' …' if len(busy) > 3 else ''}", code)
    sys.exit(code)


def _end(why: str, code: int) -> None:
    _log.warning("%s", why)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, AttributeError, ValueError):
            continue  # nobody reads it any more, or there is none
    os._exit(code)
