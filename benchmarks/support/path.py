"""A slow path between two network namespaces of our own: who is on which side, and how slow it is.  Needs root."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.support.claim import SkipError
from benchmarks.support.programs import compiled

__all__ = ["FAR_HOST", "SlowPath", "slow_path"]

FAR_HOST = "10.9.0.2"


@dataclass(frozen=True, slots=True)
class SlowPath:
    """Process ids whose namespaces are the two ends."""

    near_pid: int
    far_pid: int

    def near(self, command: list[str]) -> list[str]:
        """``command``, run on the near side."""
        return ["nsenter", f"--net=/proc/{self.near_pid}/ns/net", *command]

    def far(self, command: list[str]) -> list[str]:
        """``command``, run on the far side, which is FAR_HOST."""
        return ["nsenter", f"--net=/proc/{self.far_pid}/ns/net", *command]


@contextmanager
def slow_path(*, delay: float, rate: float = 0.0, queue: int = 0) -> Iterator[SlowPath]:
    """``delay``: seconds one way; ``rate``: bytes per second, 0 without bound; ``queue``: bytes that wait for it.

    Raises:
        SkipError: not root, no TUN devices, no namespaces.
    """
    if os.geteuid() != 0 or not Path("/dev/net/tun").exists() or shutil.which("nsenter") is None:
        raise SkipError("a slow path needs root, /dev/net/tun and nsenter")
    with ExitStack() as stack:
        near, far = (_child(stack, ["unshare", "--net", "sh", "-c", "echo ready; exec sleep infinity"]) for _ in "nf")
        _child(stack, [compiled("link"), str(near), str(far), str(delay), str(rate), str(queue)])
        yield SlowPath(near, far)


def _child(stack: ExitStack, command: list[str]) -> int:
    """Start, wait for "ready", end with the stack."""
    process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    stack.callback(process.terminate)
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        raise SkipError(f"{Path(command[0]).name}: not allowed here")
    return process.pid
