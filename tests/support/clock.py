"""A loop on real loopback sockets whose clock jumps to the next timer when no socket has anything to say.

Loopback delivers within the sender's system call, so "nothing ready now" means "nothing until a timer".
Threads and other processes break that: mark such tests ``realtime``.
"""

import asyncio
import selectors
from typing import Any

SETTLE = 0.001  # seconds that the kernel gets to deliver before time jumps
PATIENCE = 10.0  # seconds without event and without timer: the test hangs


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.jumped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            ready = super().select(PATIENCE)
            if not ready:
                raise RuntimeError("nothing to wait for: every task waits and no timer is set")
            return ready
        ready = super().select(min(timeout, SETTLE))
        if not ready and timeout > 0:
            self.jumped += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """``time()`` is the wall clock plus every wait that was skipped."""

    def __init__(self) -> None:
        self.jumping = _JumpingSelector()
        super().__init__(self.jumping)

    def time(self) -> float:
        return super().time() + self.jumping.jumped


def jumping_loop() -> Any:
    """A loop factory for ``asyncio.Runner``."""
    return JumpingLoop()
