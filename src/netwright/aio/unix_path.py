"""The file of a Unix listener: whose it is, when it may be removed, and with which permissions it is made (unix(7))."""

import errno
import os
import socket
import stat
from typing import TypeAlias

from netwright.core.address import UnixAddress

__all__ = ["Identity", "advice", "bind", "remove"]

Identity: TypeAlias = tuple[str, int, int]  # path, device and inode


def bind(sock: socket.socket, address: UnixAddress, mode: int | None) -> Identity | None:
    """Bind ``sock``; the file that it made, None for an abstract name.

    A socket file on which nobody listens is replaced.

    Raises:
        OSError: the path is taken, or cannot be written.
    """
    if address.abstract:
        sock.bind(address.sockname)
        return None
    _remove_stale(address.path)
    if mode is not None:  # Linux makes the file with these bits less the umask: it never has more than ``mode``
        os.fchmod(sock.fileno(), mode)
    sock.bind(address.path)
    try:
        if mode is not None:
            os.chmod(address.path, mode)
        made = os.lstat(address.path)
    except BaseException:
        os.unlink(address.path)
        raise
    return address.path, made.st_dev, made.st_ino


def remove(file: Identity) -> None:
    """Remove the file if it is still the one that was made.

    While its socket is open, the kernel gives its inode's number to no other file.
    """
    path, device, inode = file
    try:
        found = os.lstat(path)
        if (found.st_dev, found.st_ino) == (device, inode):
            os.unlink(path)
    except OSError:  # somebody else removed it, or may not: it is not worth an error at the end
        return


def advice(address: UnixAddress) -> str:
    """Return advice for an ``address`` that is taken."""
    try:
        mode = 0 if address.abstract else os.lstat(address.path).st_mode
    except OSError:
        mode = 0
    if not mode or stat.S_ISSOCK(mode):
        return "another program listens there: stop it, or choose another path"
    kinds = {stat.S_IFREG: "a plain file", stat.S_IFDIR: "a directory", stat.S_IFLNK: "a symbolic link"}
    return (
        f"{kinds.get(stat.S_IFMT(mode), 'another kind of file')} exists at that path: remove it, or choose another path"
    )


def _remove_stale(path: str) -> None:
    """Remove a socket file on which nobody listens: a connect to it is refused, and nothing else is taken for that."""
    try:
        found = os.lstat(path)
    except OSError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        if probe.connect_ex(path) == errno.ECONNREFUSED:
            remove((path, found.st_dev, found.st_ino))
