"""A function in a network namespace of its own: root, Linux and /dev/net/tun, or the test is skipped."""

import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable

import pytest

_CLONE_NEWNET = 0x40000000
_SET_FLAGS, _UP = 0x8914, 0x1  # SIOCSIFFLAGS, IFF_UP: netdevice(7)


def _possible() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0 and os.path.exists("/dev/net/tun")


def IN_NAMESPACE(test: Callable[..., None]) -> Callable[..., None]:  # noqa: N802  # a mark
    """Marks of a test that calls ``inside``."""
    reason = "needs root and /dev/net/tun"
    marked: Callable[..., None] = pytest.mark.truth(pytest.mark.skipif(not _possible(), reason=reason)(test))
    return marked


def unshare() -> None:
    """This process gets an empty network; its loopback is down."""
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWNET)")


def loopback_up() -> None:
    """127.0.0.1 and ::1 answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH22x", b"lo", _UP))


def inside(function: Callable[[], None], *, timeout: int = 50) -> None:
    """Run ``function`` in a child process with an empty network; what it raised is printed, and fails the test."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(timeout)
            unshare()
            function()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert status == 0, f"status {status:#x}: see the child's traceback above"
