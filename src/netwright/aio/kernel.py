"""Read the kernel's state of a connection: struct tcp_info, on Linux (tcp(7))."""

import socket
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["SIZE", "probe_of"]

SIZE = 512  # bytes, more than any kernel's structure; a kernel gives as much as it has


def probe_of(sock: Any) -> Callable[[], bytes] | None:
    """Return a function that reads struct tcp_info of ``sock``, b"" once closed; None where the system has none."""
    if sys.platform != "linux" or sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return None

    def ask() -> bytes:
        try:
            answer: bytes = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, SIZE)
        except (OSError, ValueError):
            return b""
        return answer

    return ask
