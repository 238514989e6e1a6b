"""Linux's ``struct tcp_info`` (linux/tcp.h): the kernel's state of a connection, by name and unit.

New kernels append fields, so an older kernel gives a shorter structure; missing fields are None.  The byte order is
that of the machine that the bytes come from.
"""

import struct
from dataclasses import dataclass, fields
from enum import IntEnum, IntFlag

from netwright.core.errors import ProtocolError

__all__ = ["FIELDS", "CaState", "Field", "TcpInfo", "TcpInfoOption", "TcpState", "Unit", "parse_tcp_info"]


class TcpState(IntEnum):
    """States as Linux numbers them (net/tcp_states.h)."""

    ESTABLISHED = 1
    SYN_SENT = 2
    SYN_RECV = 3
    FIN_WAIT1 = 4
    FIN_WAIT2 = 5
    TIME_WAIT = 6
    CLOSE = 7
    CLOSE_WAIT = 8
    LAST_ACK = 9
    LISTEN = 10
    CLOSING = 11
    NEW_SYN_RECV = 12
    BOUND_INACTIVE = 13


class CaState(IntEnum):
    """State of the sender's loss recovery (enum tcp_ca_state)."""

    OPEN = 0
    DISORDER = 1  # duplicate ACKs or SACKs came
    CWR = 2  # the window is being reduced: ECN or local congestion
    RECOVERY = 3  # fast retransmit
    LOSS = 4  # the retransmission timer fired


class TcpInfoOption(IntFlag):
    """Options agreed in the handshake (TCPI_OPT_*)."""

    TIMESTAMPS = 1
    SACK = 2
    WINDOW_SCALE = 4
    ECN = 8
    ECN_SEEN = 16
    SYN_DATA = 32  # data in the SYN was acknowledged (RFC 7413)
    MICROSECOND_TIMESTAMPS = 64
    FAST_OPEN_CHILD = 128


class Unit(IntEnum):
    """Unit of a field in the kernel's structure."""

    COUNT = 0
    BYTES = 1
    BYTES_PER_SECOND = 2
    SEGMENTS = 3
    MICROSECONDS = 4
    MILLISECONDS = 5
    PACKED = 6  # flags, states and bit fields


@dataclass(frozen=True, slots=True)
class Field:
    """One member: where it is, ``code`` as in ``struct``, and the first kernel that had it."""

    name: str
    offset: int
    code: str
    unit: Unit
    since: str


def _layout() -> tuple[Field, ...]:
    count, size, rate, segments, us, ms, packed = Unit
    table = [
        ("2.4", "B", packed, "state ca_state"),
        ("2.4", "B", count, "retransmits probes backoff"),
        ("2.4", "B", packed, "options window_scales delivery_flags"),
        ("2.4", "I", us, "rto ato"),
        ("2.4", "I", size, "snd_mss rcv_mss"),
        ("2.4", "I", segments, "unacked sacked lost retrans fackets"),
        ("2.4", "I", ms, "last_data_sent last_ack_sent last_data_recv last_ack_recv"),
        ("2.4", "I", size, "pmtu rcv_ssthresh"),
        ("2.4", "I", us, "rtt rttvar"),
        ("2.4", "I", segments, "snd_ssthresh snd_cwnd"),
        ("2.4", "I", size, "advmss"),
        ("2.4", "I", segments, "reordering"),
        ("2.6.10", "I", us, "rcv_rtt"),
        ("2.6.10", "I", size, "rcv_space"),
        ("2.6.16", "I", segments, "total_retrans"),
        ("3.15", "Q", rate, "pacing_rate max_pacing_rate"),
        ("4.1", "Q", size, "bytes_acked bytes_received"),
        ("4.2", "I", segments, "segs_out segs_in"),
        ("4.6", "I", size, "notsent_bytes"),
        ("4.6", "I", us, "min_rtt"),
        ("4.6", "I", segments, "data_segs_in data_segs_out"),
        ("4.9", "Q", rate, "delivery_rate"),
        ("4.10", "Q", us, "busy_time rwnd_limited sndbuf_limited"),
        ("4.18", "I", segments, "delivered delivered_ce"),
        ("4.19", "Q", size, "bytes_sent bytes_retrans"),
        ("4.19", "I", count, "dsack_dups reord_seen"),
        ("5.4", "I", segments, "rcv_ooopack"),
        ("5.4", "I", size, "snd_wnd"),
        ("6.2", "I", size, "rcv_wnd"),
        ("6.2", "I", count, "rehash"),
        ("6.7", "H", count, "total_rto total_rto_recoveries"),
        ("6.7", "I", ms, "total_rto_time"),
        ("6.18", "I", segments, "received_ce"),
        ("6.18", "I", size, "delivered_e1_bytes delivered_e0_bytes delivered_ce_bytes"),
        ("6.18", "I", size, "received_e1_bytes received_e0_bytes received_ce_bytes"),
        ("6.18", "H", packed, "accecn_fail_mode accecn_opt_seen"),
    ]
    found = []
    offset = 0
    for since, code, unit, names in table:
        for name in names.split():
            found.append(Field(name, offset, code, unit, since))
            offset += struct.calcsize(code)
    return tuple(found)


FIELDS = _layout()
_SHORTEST = 104  # bytes since Linux 2.6.16, all that every later kernel gives
_SCALE = {Unit.MICROSECONDS: 1e-6, Unit.MILLISECONDS: 1e-3}


@dataclass(frozen=True, slots=True)
class TcpInfo:
    """Times are in seconds, windows and sizes in bytes; ``snd_cwnd``, ``snd_ssthresh`` and counts in segments.

    ``window_scales`` has the sender's shift in the low four bits, ``delivery_flags`` bit 0 "limited by the
    application" and bits 1 and 2 why fast open failed.  ``snd_ssthresh`` 2147483647 and ``max_pacing_rate`` 2**64-1
    are "none".
    """

    state: int
    ca_state: int
    retransmits: int  # timeouts in a row
    probes: int  # zero-window or keepalive probes in a row
    backoff: int
    options: int
    window_scales: int
    delivery_flags: int
    rto: float
    ato: float
    snd_mss: int
    rcv_mss: int
    unacked: int  # in a listener: the accept queue's length
    sacked: int  # in a listener: the backlog
    lost: int
    retrans: int  # retransmitted and not yet acknowledged
    fackets: int
    last_data_sent: float  # seconds ago, and so on
    last_ack_sent: float
    last_data_recv: float
    last_ack_recv: float
    pmtu: int
    rcv_ssthresh: int
    rtt: float
    rttvar: float
    snd_ssthresh: int
    snd_cwnd: int
    advmss: int
    reordering: int
    rcv_rtt: float
    rcv_space: int
    total_retrans: int
    pacing_rate: int | None = None
    max_pacing_rate: int | None = None
    bytes_acked: int | None = None
    bytes_received: int | None = None
    segs_out: int | None = None
    segs_in: int | None = None
    notsent_bytes: int | None = None
    min_rtt: float | None = None
    data_segs_in: int | None = None
    data_segs_out: int | None = None
    delivery_rate: int | None = None
    busy_time: float | None = None  # had something to send
    rwnd_limited: float | None = None  # of which the peer's window stopped it
    sndbuf_limited: float | None = None  # of which the send buffer stopped it
    delivered: int | None = None
    delivered_ce: int | None = None
    bytes_sent: int | None = None
    bytes_retrans: int | None = None
    dsack_dups: int | None = None
    reord_seen: int | None = None
    rcv_ooopack: int | None = None
    snd_wnd: int | None = None
    rcv_wnd: int | None = None
    rehash: int | None = None
    total_rto: int | None = None
    total_rto_recoveries: int | None = None
    total_rto_time: float | None = None
    received_ce: int | None = None
    delivered_e1_bytes: int | None = None
    delivered_e0_bytes: int | None = None
    delivered_ce_bytes: int | None = None
    received_e1_bytes: int | None = None
    received_e0_bytes: int | None = None
    received_ce_bytes: int | None = None
    accecn_fail_mode: int | None = None
    accecn_opt_seen: int | None = None

    @property
    def snd_wscale(self) -> int:
        """Shift count of the peer's window field (RFC 7323 §2)."""
        return self.window_scales & 0x0F

    @property
    def rcv_wscale(self) -> int:
        """Shift count of this side's window field (RFC 7323 §2)."""
        return self.window_scales >> 4

    @property
    def app_limited(self) -> bool:
        """True if ``delivery_rate`` was measured while the application had nothing to send."""
        return bool(self.delivery_flags & 1)

    def as_dict(self) -> dict[str, int | float]:
        """The fields that the kernel filled, by name."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in values if value is not None}


# For each number of whole fields: a layout of just these.
_PREFIXES = [struct.Struct("=" + "".join(field.code for field in FIELDS[:count])) for count in range(len(FIELDS) + 1)]
_SCALES = [(index, _SCALE[field.unit]) for index, field in enumerate(FIELDS) if field.unit in _SCALE]


def parse_tcp_info(data: bytes) -> TcpInfo:
    """Read a structure from ``getsockopt(TCP_INFO)`` or inet_diag, of any length; unknown newer fields are ignored.

    Raises:
        ProtocolError: shorter than the 104 bytes that every kernel since 2.6.16 gives.
    """
    if len(data) < _SHORTEST:
        raise ProtocolError(f"tcp_info of {len(data)} bytes, {_SHORTEST} or more allowed", reference="linux/tcp.h")
    layout = next(prefix for prefix in reversed(_PREFIXES) if prefix.size <= len(data))
    values = list(layout.unpack_from(data))
    for index, scale in _SCALES:
        if index >= len(values):
            break
        values[index] *= scale
    return TcpInfo(*values)
