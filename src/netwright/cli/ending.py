"""The end of a process that waits for nothing that cannot be cancelled.

Threads, a loop that is held up, and a handler that catches its cancellation would keep the interpreter for ever.
"""

import logging
import os
import sys
import threading
import time

__all__ = ["GRACE", "end_within", "exit_now"]

GRACE = 2.0  # seconds from the last word to the end of the process
JOIN = 0.5  # seconds that the threads of a pool have to see that it is shut
_log = logging.getLogger("netwright")


def end_within(seconds: float, code: int) -> threading.Timer:
    """End the process after ``seconds`` with exit code ``code``, if it has not ended by then; ``cancel`` forgets it."""
    timer = threading.Timer(seconds, _end, (f"still at work {seconds:g} s after the end: stopped", code))
    timer.daemon = True
    timer.start()
    return timer


def exit_now(code: int) -> None:
    """End the process as ``sys.exit`` does, unless threads still work: those are left alone."""
    until = time.monotonic() + JOIN
    others = [t for t in threading.enumerate() if not t.daemon and t is not threading.current_thread()]
    for thread in others:
        thread.join(max(0.0, until - time.monotonic()))
    busy = [thread.name for thread in others if thread.is_alive()]
    if busy:
        _end(f"left at work: thread {', '.join(busy[:3])}{' …' if len(busy) > 3 else ''}", code)
    sys.exit(code)


def _end(why: str, code: int) -> None:
    _log.warning("%s", why)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            continue  # nobody reads it any more
    os._exit(code)
