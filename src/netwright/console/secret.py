"""The console's token in a file that only its user can read: it outlives a restart, and ``netwright top`` finds it."""

import os
import secrets
import stat
from pathlib import Path

from netwright.core.address import InetAddress

__all__ = ["keep_token", "read_token", "token_path"]

KEPT = 64  # token files in a folder; a console on port after port would leave one each
LONGEST = 256  # bytes of a token file that are read


def token_path(directory: Path, bind: InetAddress) -> Path:
    """Return the token's path of the console on ``bind``; the addresses for "all" count as 127.0.0.1, as in its URL."""
    host = "127.0.0.1" if bind.host in ("", "0.0.0.0", "::") else bind.host.replace(":", "_").replace("/", "_")
    return directory / f"{host}-{bind.port}.token"


def read_token(path: Path) -> str:
    """The token in ``path``; "" if there is none, or if another user could have written or read it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return ""
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            return ""
        text = os.read(descriptor, LONGEST + 2).decode(errors="replace").removesuffix("\n")
    finally:
        os.close(descriptor)
    return text if len(text) <= LONGEST and text.isascii() and text.isprintable() else ""


def keep_token(path: Path, token: str) -> None:
    """Write ``token`` to ``path`` at once or not at all, readable by this user only.

    Raises:
        OSError: the folder cannot be written to.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w") as file:
            file.write(f"{token}\n")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _forget(path)


def _forget(newest: Path) -> None:
    """Remove the oldest token files beside ``newest`` beyond ``KEPT``: those consoles will make new tokens."""
    others = [(path.lstat().st_mtime_ns, path) for path in newest.parent.glob("*.token") if path != newest]
    for _, path in sorted(others, reverse=True)[KEPT - 1 :]:
        path.unlink(missing_ok=True)
