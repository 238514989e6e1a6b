"""A loop on real loopback sockets whose clock jumps to the next timer when no socket has anything to say.

Loopback delivers within the sender's system call, so "nothing ready now" means "nothing until a timer".
Threads and other processes break that: mark such tests ``realtime``.
"""

import asyncio
import selectors
from typing import Any

SETTLE = 0.001  # seconds that the kernel gets to deliver before time jumps
TURN = 1e-6  # seconds of virtual time per turn of the loop
PATIENCE = 10.0  # seconds without event and without timer: the test hangs


class Jumping(selectors.EpollSelector):
    """A selector that does not wait for timers; ``jumped`` is the time it saved."""

    jumped = 0.0

    def nothing_happened(self, ready: list[tuple[selectors.SelectorKey, int]]) -> bool:
        return not ready

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            ready = super().select(PATIENCE)
            if self.nothing_happened(ready):
                raise RuntimeError("nothing to wait for: every task waits and no timer is set")
            return ready
        ready = super().select(min(timeout, SETTLE))
        if timeout > 0 and self.nothing_happened(ready):
            self.jumped += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """``time()`` is the wall clock plus every wait that was skipped."""

    def __init__(self, jumping: Jumping) -> None:
        self.jumping = jumping
        super().__init__(jumping)

    def time(self) -> float:
        return super().time() + self.jumping.jumped


def jumping_loop() -> Any:
    """A loop factory for ``asyncio.Runner``."""
    return JumpingLoop(Jumping())


class VirtualLoop(JumpingLoop):
    """A turn takes ``TURN``, a skipped wait its length: a machine that stalls reaches no deadline.

    Code that polls ``time()`` without waiting for the loop would run for ever.
    """

    def time(self) -> float:
        return self.jumping.jumped

    def _run_once(self) -> None:
        self.jumping.jumped += TURN  # so that what one turn did is later than what the turn before it did
        super()._run_once()  # type: ignore[misc]


def virtual_loop() -> Any:
    """A loop factory for tests in which a deadline must not come early."""
    return VirtualLoop(Jumping())
