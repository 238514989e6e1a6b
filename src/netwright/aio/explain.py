"""Which socket options are in force on a stream, and why each is what it is (tcp(7), socket(7))."""

import os
import socket
import struct
from dataclasses import dataclass

from netwright.aio.sockets import somaxconn
from netwright.core.errors import ClosedError
from netwright.core.tuning import INTERACTIVE, KeepAlive
from netwright.proto.stream import Stream

__all__ = ["Knob", "explain"]

_NOTSENT_LOWAT = 25  # linux/tcp.h; Python 3.11 has no name for it
_KEEP = INTERACTIVE.keepalive or KeepAlive()
_OFF = 0xFFFFFFFF  # TCP_NOTSENT_LOWAT without a limit


@dataclass(frozen=True, slots=True)
class Knob:
    """One option: its constant's name, the value in force in words, and the reason in a sentence.

    ``usual`` is False where the value is not the one that ``Tuning()`` asks for.
    """

    name: str
    value: str
    why: str
    usual: bool = True

    def __str__(self) -> str:
        return f"{self.name} = {self.value}{'' if self.usual else ' (not the default)'}: {self.why}"


def explain(stream: Stream) -> list[Knob]:
    """The options of an open stream, read from the kernel now; [] for a Unix socket, which has none of them.

    Raises:
        ClosedError: the stream is closed.
    """
    number = stream.fileno()
    if number < 0:
        raise ClosedError(f"explain after close on {stream!r}")
    with socket.socket(fileno=os.dup(number)) as sock:
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            return []
        return [*_sending(sock), *_liveness(sock), *_buffers(sock), *_rest(sock)]


def _read(sock: socket.socket, name: str, level: int = socket.IPPROTO_TCP) -> int | None:
    option = getattr(socket, name, _NOTSENT_LOWAT if name == "TCP_NOTSENT_LOWAT" else None)
    try:
        return None if option is None else sock.getsockopt(level, option)
    except OSError:
        return None


def _sending(sock: socket.socket) -> list[Knob]:
    nodelay = _read(sock, "TCP_NODELAY")
    knobs = [
        Knob(
            "TCP_NODELAY",
            "on" if nodelay else "off",
            "a small segment does not wait for the acknowledgment of the one before (Nagle, RFC 9293 §3.7.4)"
            if nodelay
            else "a small segment waits for the acknowledgment of the one before, up to 40 ms with delayed ACKs",
            usual=bool(nodelay) == INTERACTIVE.nodelay,
        )
    ]
    lowat = _read(sock, "TCP_NOTSENT_LOWAT")
    if lowat is None:
        return [*knobs, Knob("TCP_NOTSENT_LOWAT", "absent", "this kernel has no such option", usual=False)]
    limited = lowat not in (0, -1, _OFF)
    why = (
        "the kernel takes little more than it can send: what is sent is fresh, and send waits for the path"
        if limited
        else "the kernel takes as much as the send buffer holds: best throughput, old data on a slow path"
    )
    value = f"{lowat} bytes" if limited else "off"
    return [*knobs, Knob("TCP_NOTSENT_LOWAT", value, why, usual=lowat == INTERACTIVE.notsent_lowat)]


def _liveness(sock: socket.socket) -> list[Knob]:
    idle, interval, count = (_read(sock, name) for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT"))
    if _read(sock, "SO_KEEPALIVE", socket.SOL_SOCKET) and None not in (idle, interval, count):
        assert idle is not None
        assert interval is not None
        assert count is not None
        usual = (idle, interval, count) == (_KEEP.idle, _KEEP.interval, _KEEP.count)
        why = f"a silent peer that is gone is noticed after {idle + interval * count} s (RFC 9293 §3.8.4)"
        keepalive = Knob("SO_KEEPALIVE", f"{idle} s, then {count} times every {interval} s", why, usual=usual)
    else:
        why = "a peer that is gone is never noticed while this side only reads"
        keepalive = Knob("SO_KEEPALIVE", "off", why, usual=False)
    timeout = _read(sock, "TCP_USER_TIMEOUT")
    if timeout is None:
        return [keepalive, Knob("TCP_USER_TIMEOUT", "absent", "this system has no such option", usual=False)]
    why = (
        "sent bytes that stay unacknowledged so long end the connection (RFC 5482)"
        if timeout
        else "sent bytes may stay unacknowledged for about 15 minutes (tcp_retries2)"
    )
    value = f"{timeout / 1000:g} s" if timeout else "off"
    return [keepalive, Knob("TCP_USER_TIMEOUT", value, why, usual=timeout == INTERACTIVE.user_timeout * 1000)]


def _buffers(sock: socket.socket) -> list[Knob]:
    why = "the kernel's own size now; never set here, for setting it turns autotuning off"
    return [Knob(name, f"{_read(sock, name, socket.SOL_SOCKET)} bytes", why) for name in ("SO_SNDBUF", "SO_RCVBUF")]


def _rest(sock: socket.socket) -> list[Knob]:
    knobs = []
    option = getattr(socket, "TCP_CONGESTION", None)
    if option is not None:
        name = sock.getsockopt(socket.IPPROTO_TCP, option, 16).split(b"\0")[0].decode()
        why = "rate follows measured bandwidth; loss alone does not slow it" if name == "bbr" else "loss slows it"
        knobs.append(Knob("TCP_CONGESTION", name, why))
    onoff, seconds = struct.unpack("ii", sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))
    if onoff:
        why = "close sends RST and forgets what was queued" if not seconds else "close waits for the peer"
        knobs.append(Knob("SO_LINGER", f"{seconds} s", why, usual=False))
    why = "of listeners: connections that wait for accept (net.core.somaxconn)"
    return [*knobs, Knob("backlog", str(somaxconn()), why)]
