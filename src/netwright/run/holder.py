"""Which process holds a TCP port or a Unix socket, and for how long it has run (Linux: proc(5)); which port is free."""

import os
import socket
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from netwright.core.address import InetAddress, UnixAddress

__all__ = ["Holder", "Listening", "free_port", "holders", "holders_of_path", "parse_listening", "process_age"]

PROC = Path("/proc")
LISTEN = "0A"  # TCP_LISTEN of include/net/tcp_states.h
ACCEPTS = 1 << 16  # __SO_ACCEPTCON of include/uapi/linux/net.h, in /proc/net/unix
_WORD = "<I" if sys.byteorder == "little" else ">I"


@dataclass(frozen=True, slots=True)
class Listening:
    """A listening socket, as /proc/net/tcp lists it."""

    host: str
    port: int
    uid: int
    inode: int


@dataclass(frozen=True, slots=True)
class Holder:
    """``pid`` is 0 where the process belongs to another user; ``age`` is in seconds, None where it cannot be read."""

    where: str
    uid: int
    pid: int = 0
    command: str = ""
    age: float | None = None

    def __str__(self) -> str:
        if not self.pid:
            return f"{self.where} is held by a process of user {self.uid}, which this user may not inspect"
        since = "" if self.age is None else f", started {_duration(self.age)} ago"
        return f"{self.where} is held by pid {self.pid} ({self.command}){since}"


def parse_listening(text: str) -> list[Listening]:
    """Return the listening sockets of ``/proc/net/tcp`` or ``tcp6``; lines of another form are skipped."""
    found: list[Listening] = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == LISTEN:
            host, _, port = fields[1].partition(":")
            found.append(Listening(_host(host), int(port, 16), int(fields[7]), int(fields[9])))
    return found


def _host(digits: str) -> str:
    """Parse an address; the kernel prints each 32-bit word of it in its own byte order."""
    words = [int(digits[at : at + 8], 16) for at in range(0, len(digits), 8)]
    packed = b"".join(struct.pack(_WORD, word) for word in words)
    return str(IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed))


def holders(port: int, *, proc: Path = PROC) -> list[Holder]:
    """Return every process that listens on ``port``, on any address; empty where the system does not say."""
    listening = [
        entry for name in ("tcp", "tcp6") for entry in parse_listening(_text(proc / "net" / name)) if entry.port == port
    ]
    return _holders([(str(InetAddress(entry.host, port)), entry.uid, entry.inode) for entry in listening], proc)


def holders_of_path(address: UnixAddress, *, proc: Path = PROC) -> list[Holder]:
    """Return every process that listens on a Unix socket bound by exactly this name, as far as the system says.

    /proc/net/unix has the name as it was bound: a relative path is that of its process.
    """
    name = f"@{address.path}" if address.abstract else address.path
    lines = (line.split(maxsplit=7) for line in _text(proc / "net/unix").splitlines()[1:])
    inodes = [int(line[6]) for line in lines if len(line) == 8 and line[7] == name and int(line[3], 16) & ACCEPTS]
    return _holders([(str(address), _owner(address), inode) for inode in inodes], proc)


def _owner(address: UnixAddress) -> int:
    """Return the owner of the socket's file; 0 where there is none."""
    try:
        return 0 if address.abstract else os.stat(address.path).st_uid
    except OSError:
        return 0


def _holders(listening: list[tuple[str, int, int]], proc: Path) -> list[Holder]:
    """Return the holders of sockets, each given by place, user and inode."""
    pids = _pids_of({inode for _, _, inode in listening}, proc) if listening else {}
    found = {_holder(where, uid, pid, proc) for where, uid, inode in listening for pid in pids.get(inode, [0])}
    return sorted(found, key=lambda holder: (-(holder.age or 0.0), holder.pid))


def _holder(where: str, uid: int, pid: int, proc: Path) -> Holder:
    if not pid:
        return Holder(where, uid)
    command = _text(proc / str(pid) / "cmdline").replace("\0", " ").strip()
    return Holder(where, uid, pid, command[:120], process_age(pid, proc))


def _pids_of(inodes: set[int], proc: Path) -> dict[int, list[int]]:
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[int, list[int]] = {}
    for directory in proc.glob("[0-9]*"):
        for inode in {wanted[link] for link in _links(directory / "fd") if link in wanted}:
            found.setdefault(inode, []).append(int(directory.name))
    return found


def _links(directory: Path) -> Iterator[str]:
    """Yield the targets of a process's descriptors; none where it is another user's, or just ended."""
    try:
        with os.scandir(directory) as entries:
            names = [entry.path for entry in entries]
    except OSError:
        return
    for name in names:
        try:
            yield os.readlink(name)
        except OSError:
            continue


def process_age(pid: int, proc: Path = PROC, *, now: float | None = None) -> float | None:
    """Seconds since process ``pid`` started, to one clock tick (10 ms); None where the system does not say.

    Field 22 of ``stat`` counts clock ticks since the boot, as CLOCK_BOOTTIME does (``now`` replaces it).  The boot's
    time of day (``btime``) would not do: it has whole seconds and moves with every step of the wall clock.
    The command in field 2 may hold spaces and brackets.
    """
    fields = _text(proc / str(pid) / "stat").rpartition(")")[2].split()
    if len(fields) < 20 or not hasattr(time, "CLOCK_BOOTTIME"):
        return None
    now = time.clock_gettime(time.CLOCK_BOOTTIME) if now is None else now
    return max(0.0, now - int(fields[19]) / os.sysconf("SC_CLK_TCK"))


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def free_port(host: str, after: int, *, but: int = 0, tries: int = 100) -> int:
    """Return the first port above ``after``, except ``but``, that can be bound now; 0 if none of ``tries`` can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in range(after + 1, min(after + 1 + tries, 65536)):
        if port == but:
            continue
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                probe.listen(1)
            except OSError:
                continue
            return port
    return 0


def _duration(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
