"""Netlink's sock_diag for Internet sockets (sock_diag(7), linux/inet_diag.h): requests and answers.

Every number is in the byte order of this machine's kernel; ports and addresses are in network byte order.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from netwright.core.errors import IncompleteError, ProtocolError, UsageError
from netwright.wire.fields import address_text, pack
from netwright.wire.tcp_info import TcpInfo, TcpState, parse_tcp_info

__all__ = [
    "ALL_STATES",
    "SOCK_DESTROY",
    "SOCK_DIAG_BY_FAMILY",
    "DiagAttribute",
    "DiagEnd",
    "DiagMessage",
    "DiagSocket",
    "Memory",
    "dump_request",
    "parse_diag",
    "socket_request",
    "states_mask",
]

_NLMSG = struct.Struct("=I2H2I")  # length, type, flags, sequence, port
_REQUEST = struct.Struct("=4BI")  # family, protocol, extensions, padding, states
_SOCKID = struct.Struct("!2H16s16s")  # ports and addresses; interface and cookie follow in native order
_SOCKID_REST = struct.Struct("=3I")
_MESSAGE = struct.Struct("=4B")  # family, state, timer, retransmissions
_COUNTS = struct.Struct("=5I")  # expires, receive queue, send queue, user, inode
_ATTRIBUTE = struct.Struct("=2H")

SOCK_DIAG_BY_FAMILY, SOCK_DESTROY = 20, 21
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_NLM_F_REQUEST, _NLM_F_DUMP, _NLM_F_ACK, _NLM_F_DUMP_INTR = 0x1, 0x300, 0x4, 0x10
_NO_COOKIE = 0xFFFFFFFF
_AF_INET, _AF_INET6 = 2, 10  # Linux's numbers, whatever the machine that decodes
ALL_STATES = (1 << len(TcpState) + 1) - 2


class DiagAttribute(IntEnum):
    """Kinds of attributes; those up to SHUTDOWN can be requested by ``extensions``."""

    MEMORY = 1
    INFO = 2
    VEGAS = 3
    CONGESTION = 4
    TOS = 5
    TRAFFIC_CLASS = 6
    SOCKET_MEMORY = 7
    SHUTDOWN = 8
    DCTCP = 9
    PROTOCOL = 10
    V6_ONLY = 11
    MARK = 15
    BBR = 16
    CLASS_ID = 17
    UPPER_LAYER = 19
    CGROUP = 21
    SOCKET_OPTIONS = 22


@dataclass(frozen=True, slots=True)
class Memory:
    """SK_MEMINFO_* in bytes; ``drops`` counts packets dropped because a buffer was full."""

    receive_queue: int
    receive_buffer: int
    send_queue: int
    send_buffer: int
    forward: int
    write_queued: int
    options: int
    backlog: int
    drops: int


@dataclass(frozen=True, slots=True)
class DiagSocket:
    """One socket.  In a listener the queues are connections: waiting to be accepted, and the backlog.

    ``timer`` 0 none, 1 retransmission, 2 keepalive, 3 TIME_WAIT, 4 zero-window probe; it fires in ``expires`` seconds.
    """

    family: int
    state: int
    timer: int
    retransmits: int
    source: bytes
    source_port: int
    destination: bytes
    destination_port: int
    interface: int
    cookie: int
    expires: float
    receive_queue: int
    send_queue: int
    uid: int
    inode: int
    attributes: dict[int, bytes] = field(repr=False)

    @property
    def info(self) -> TcpInfo | None:
        """The connection's tcp_info; None if not requested."""
        raw = self.attributes.get(DiagAttribute.INFO)
        return parse_tcp_info(raw) if raw else None

    @property
    def congestion(self) -> str:
        """Name of the congestion control; "" if not requested."""
        return self.attributes.get(DiagAttribute.CONGESTION, b"").rstrip(b"\0").decode(errors="replace")

    @property
    def memory(self) -> Memory | None:
        """Buffers and drops; None if not requested."""
        raw = self.attributes.get(DiagAttribute.SOCKET_MEMORY, b"")
        return Memory(*struct.unpack_from("=9I", raw)) if len(raw) >= 36 else None

    @property
    def cgroup(self) -> int | None:
        """The cgroup's number; None if the kernel does not report it."""
        raw = self.attributes.get(DiagAttribute.CGROUP, b"")
        return int(struct.unpack("=Q", raw)[0]) if len(raw) == 8 else None

    def __str__(self) -> str:
        name = TcpState(self.state).name if self.state in TcpState.__members__.values() else str(self.state)
        return (
            f"{name} {address_text(self.source)} {self.source_port} > "
            f"{address_text(self.destination)} {self.destination_port}"
        )


@dataclass(frozen=True, slots=True)
class DiagEnd:
    """End of the answer; ``errno`` is 0, or why the kernel refused the request."""

    errno: int


@dataclass(frozen=True, slots=True)
class DiagMessage:
    """One netlink message; ``interrupted``: the table changed during the dump, which may be inconsistent."""

    sequence: int
    interrupted: bool
    content: DiagSocket | DiagEnd | None  # None: a message of another type


def states_mask(states: Sequence[int]) -> int:
    """The bit mask of a request's states."""
    return sum(1 << state for state in set(states))


def dump_request(
    family: int,
    *,
    protocol: int = 6,
    states: int = ALL_STATES,
    extensions: Sequence[int] = (DiagAttribute.INFO,),
    sequence: int = 1,
) -> bytes:
    """Serialize a request for every socket of a family (2 or 10) and protocol in these states.

    Raises:
        UsageError: a number does not fit, or an extension is above SHUTDOWN and cannot be requested.
    """
    body = _request(family, protocol, extensions, states) + bytes(48)
    return _netlink(SOCK_DIAG_BY_FAMILY, _NLM_F_DUMP, sequence, body)


def socket_request(
    source: bytes,
    source_port: int,
    destination: bytes,
    destination_port: int,
    *,
    protocol: int = 6,
    extensions: Sequence[int] = (DiagAttribute.INFO,),
    sequence: int = 1,
    kind: int = SOCK_DIAG_BY_FAMILY,
) -> bytes:
    """Serialize a request for the socket between two addresses of 4 or 16 bytes.

    With SOCK_DESTROY as ``kind`` the kernel closes it (CAP_NET_ADMIN).

    Raises:
        UsageError: a number does not fit, or the addresses are not of one family.
    """
    if len(source) != len(destination) or len(source) not in (4, 16):
        raise UsageError(f"addresses of {len(source)} and {len(destination)} bytes, twice 4 or twice 16 allowed")
    family = _AF_INET if len(source) == 4 else _AF_INET6
    ident = pack(_SOCKID, "socket", source_port, destination_port, source, destination)
    ident += _SOCKID_REST.pack(0, _NO_COOKIE, _NO_COOKIE)
    flags = _NLM_F_ACK if kind == SOCK_DESTROY else 0
    return _netlink(kind, flags, sequence, _request(family, protocol, extensions, ALL_STATES) + ident)


def _request(family: int, protocol: int, extensions: Sequence[int], states: int) -> bytes:
    wanted = sum(1 << (extension - 1) for extension in set(extensions))
    return pack(_REQUEST, "inet_diag", family, protocol, wanted, 0, states)


def _netlink(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    return pack(_NLMSG, "netlink", _NLMSG.size + len(body), kind, _NLM_F_REQUEST | flags, sequence, 0) + body


def parse_diag(data: bytes) -> list[DiagMessage]:
    """Read the messages that one ``recv`` on the netlink socket returned.

    Raises:
        IncompleteError: the last message is cut, because the buffer given to ``recv`` was too small.
        ProtocolError: a length that is impossible.
    """
    found = []
    at = 0
    while at < len(data):
        if len(data) - at < _NLMSG.size:
            raise _cut(data, at, _NLMSG.size)
        size, kind, flags, sequence, _ = _NLMSG.unpack_from(data, at)
        if size < _NLMSG.size:
            raise ProtocolError(f"netlink message of {size} bytes at byte {at}, 16 or more", reference="netlink(7)")
        if at + size > len(data):
            raise _cut(data, at, size)
        body = data[at + _NLMSG.size : at + size]
        found.append(DiagMessage(sequence, bool(flags & _NLM_F_DUMP_INTR), _content(kind, body, at)))
        at += size + -size % 4
    return found


def _cut(data: bytes, at: int, size: int) -> IncompleteError:
    return IncompleteError(
        f"netlink message cut: {len(data) - at} of {size} bytes at byte {at}",
        partial=data[at:],
        reference="netlink(7)",
        advice="receive with a larger buffer",
    )


def _content(kind: int, body: bytes, at: int) -> DiagSocket | DiagEnd | None:
    if kind in (_NLMSG_ERROR, _NLMSG_DONE):
        return DiagEnd(-struct.unpack_from("=i", body)[0] if len(body) >= 4 else 0)
    return _socket(body, at) if kind == SOCK_DIAG_BY_FAMILY else None


def _socket(body: bytes, at: int) -> DiagSocket:
    if len(body) < 72:
        raise ProtocolError(f"inet_diag_msg of {len(body)} bytes at byte {at}, 72 or more", reference="sock_diag(7)")
    family, state, timer, retransmits = _MESSAGE.unpack_from(body)
    source_port, destination_port, source, destination = _SOCKID.unpack_from(body, 4)
    interface, cookie_low, cookie_high = _SOCKID_REST.unpack_from(body, 40)
    expires, receive_queue, send_queue, uid, inode = _COUNTS.unpack_from(body, 52)
    width = 4 if family == _AF_INET else 16
    return DiagSocket(
        family,
        state,
        timer,
        retransmits,
        source[:width],
        source_port,
        destination[:width],
        destination_port,
        interface,
        cookie_high << 32 | cookie_low,
        expires / 1000,
        receive_queue,
        send_queue,
        uid,
        inode,
        _attributes(body, 72, at),
    )


def _attributes(body: bytes, offset: int, at: int) -> dict[int, bytes]:
    found = {}
    while offset + _ATTRIBUTE.size <= len(body):
        size, kind = _ATTRIBUTE.unpack_from(body, offset)
        if size < _ATTRIBUTE.size or offset + size > len(body):
            raise ProtocolError(
                f"netlink attribute {kind} of {size} bytes in the message at byte {at}, "
                f"4 to {len(body) - offset} allowed",
                reference="netlink(7)",
            )
        found[kind & 0x3FFF] = body[offset + 4 : offset + size]  # the top bits say "nested" and "network byte order"
        offset += size + -size % 4
    return found
