"""Sockets that systemd has bound for this process (sd_listen_fds(3)): a restart that refuses no connection."""

import os
import socket

from netwright.core.errors import UsageError

__all__ = ["inherited"]

FIRST = 3  # SD_LISTEN_FDS_START
VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


def inherited() -> dict[str, list[socket.socket]]:
    """Return the sockets by name (FileDescriptorName= in the unit), {} where there are none for this process.

    They belong to the caller; the variables are removed, so that no child takes them for its own::

        await service.start(inherited())

    Raises:
        UsageError: a variable is not a number, or the names are not as many as the sockets.
    """
    process, count, names = (os.environ.pop(name, "") for name in VARIABLES)
    if not process or process != str(os.getpid()):
        return {}
    if not count.isdecimal():
        raise UsageError(f"LISTEN_FDS={count!r}, a number allowed", reference="sd_listen_fds(3)")
    several = names.split(":") if names else ["unknown"] * int(count)
    if len(several) != int(count):
        raise UsageError(f"LISTEN_FDNAMES={names!r}, {count} names allowed", reference="sd_listen_fds(3)")
    found: dict[str, list[socket.socket]] = {}
    for number, name in enumerate(several, FIRST):
        os.set_inheritable(number, False)
        found.setdefault(name, []).append(socket.socket(fileno=number))
    return found
