"""The folder of the console's sockets, which only this user can reach."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from netwright.core.address import MAX_UNIX_PATH, InetAddress
from netwright.proto.feed import FORMAT
from netwright.run.problem import UNREACHABLE, Code, Problem

__all__ = ["Folder", "console_folder", "feed_name", "private_folder"]

_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")  # each made private below, or refused


@dataclass(frozen=True, slots=True)
class Folder:
    """``passed_over`` says why XDG_RUNTIME_DIR or TMPDIR was not used; "" if the first choice was good."""

    path: Path
    passed_over: str = ""


def feed_name(bind: InetAddress, name: str) -> str:
    """Return the file name of a console's socket; ``name`` is the port or its substitute."""
    host = bind.host.replace(":", "_").replace("/", "_") or "any"
    return f"{host}-{name}.{FORMAT}"


def console_folder(bind: InetAddress) -> Folder:
    """The folder that holds the socket and the token of the console on ``bind``.

    Raises:
        Problem: there is none.
    """
    return private_folder(feed_name(bind, f"pid{1 << 22}"))  # the largest pid, proc(5)


def private_folder(longest_name: str) -> Folder:
    """Return a folder of mode 700 that this user owns, made if need be; a socket ``longest_name`` fits in it.

    Tried in order: ``$XDG_RUNTIME_DIR/netwright``, then ``netwright-UID`` in ``$TMPDIR``, /tmp, /var/tmp, /dev/shm.

    Raises:
        Problem: none of them will do.
    """
    refused: list[str] = []
    for path in _candidates():
        reason = _refusal(path, longest_name)
        if not reason:
            return Folder(path, "; ".join(refused))
        refused.append(reason)
    fix = "set XDG_RUNTIME_DIR to a folder of your own with mode 700"
    raise Problem(
        "no folder for the console's socket",
        code=Code.CONSOLE_FOLDER,
        why="; ".join(refused),
        fix=fix,
        exit_code=UNREACHABLE,
    )


def _candidates() -> Iterator[Path]:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime:
        yield Path(runtime, "netwright")
    given = os.environ.get("TMPDIR", "")
    for root in dict.fromkeys(filter(None, (given, *_TEMPORARY))):
        yield Path(root, f"netwright-{os.getuid()}")


def _refusal(path: Path, longest_name: str) -> str:
    """Return why ``path`` is not a private folder; "" if it is one now."""
    if not path.is_absolute():
        return f"{path.parent} is not an absolute path"
    length = len(os.fsencode(path / longest_name))
    if length > MAX_UNIX_PATH:
        return f"socket paths in {path.parent} have {length} bytes, {MAX_UNIX_PATH} allowed (unix(7))"
    try:
        if reason := _exposed(path.parent):
            return reason
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        return f"{error.filename or path}: {error.strerror}"
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        mode = f"owner {found.st_uid}, mode {stat.S_IMODE(found.st_mode):o}"
        return f"{path} is not private: {mode}; {os.getuid()} and 700 required"
    return "" if os.access(path, os.W_OK | os.X_OK) else f"{path} is not writable"


def _exposed(parent: Path) -> str:
    """Return why another user could replace files in ``parent``; "" if none could."""
    found = parent.stat()
    if found.st_uid not in (0, os.getuid()):
        return f"{parent} belongs to user {found.st_uid}"
    if found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX:
        return f"{parent} is writable for others (mode {stat.S_IMODE(found.st_mode):o})"
    return ""
