"""The problem of an address that cannot be listened on: its holder, and what to do."""

import errno
from pathlib import Path

from netwright.aio import BindError
from netwright.core.address import InetAddress, UnixAddress
from netwright.run.holder import free_port, holders, holders_of_path
from netwright.run.problem import UNREACHABLE, Code, Problem
from netwright.run.settings import DEFAULT_CONSOLE, RunSettings

__all__ = ["bind_problem"]

_CODES = {
    errno.EADDRINUSE: Code.BIND_IN_USE,
    errno.EACCES: Code.BIND_DENIED,
    errno.EPERM: Code.BIND_DENIED,
    errno.EADDRNOTAVAIL: Code.BIND_NO_ADDRESS,
}


def bind_problem(error: BindError, settings: RunSettings) -> Problem:
    """Return the problem with the address's holder, and a command or a setting that works."""
    address, code = error.address, _CODES.get(error.errno or 0, Code.BIND_FAILED)
    if isinstance(address, UnixAddress):
        why, fix = _path(address, error)
    else:
        why, fix = _port(address, code, settings)
    return Problem(error.message, code=code, why=why, fix=fix, exit_code=UNREACHABLE)


def _port(address: InetAddress, code: Code, settings: RunSettings) -> tuple[str, str]:
    bound = address in settings.binds
    if code == Code.BIND_NO_ADDRESS:
        return "no interface of this machine has that address", "ip address lists them"
    if code not in (Code.BIND_IN_USE, Code.BIND_DENIED):
        return "", ""
    denied = code == Code.BIND_DENIED
    why = "ports below 1024 need root or CAP_NET_BIND_SERVICE" if denied else ""
    why = why or "\n".join(str(holder) for holder in holders(address.port))
    free = free_port(address.host, 7999 if denied else address.port, but=DEFAULT_CONSOLE.port)
    if not free:
        return why, ""
    if bound:
        return why, settings.spelling.bind(InetAddress(address.host, free))
    return why, f"use port {free} in {settings.path.name}: it is free"


def _path(address: UnixAddress, error: BindError) -> tuple[str, str]:
    """Return why a Unix socket's path cannot be bound, and what to do."""
    path = Path(address.path)
    if error.errno == errno.EADDRINUSE:
        who = "\n".join(str(holder) for holder in holders_of_path(address))
        if not who and not address.abstract and path.exists() and not path.is_socket():
            return f"{path} is a {'directory' if path.is_dir() else 'file'}, not a socket", "choose another path"
        return who, "stop that process, or choose another path"
    if error.errno == errno.ENOENT:
        return f"there is no directory {path.parent}", f"mkdir -p {path.parent}"
    return "", ""
