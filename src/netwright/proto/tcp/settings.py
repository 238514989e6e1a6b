"""Settings of a TCP endpoint: every limit and every timeout, with Linux's defaults."""

from dataclasses import dataclass

from netwright.core.errors import UsageError
from netwright.core.tuning import KeepAlive
from netwright.proto.tcp.congestion.registry import HYSTARTS, control_names
from netwright.proto.tcp.copying import Reduced, reduced
from netwright.proto.tcp.policy import RFC_5961, Policy

__all__ = ["Settings"]

MAX_WINDOW_SCALE = 14  # RFC 7323 §2.3
MIN_MSS = 64  # below it the options of an ACK may exceed the data


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Times are in seconds, sizes in bytes.  Defaults are Linux's; exceptions are named.

    Attributes:
        mss: largest segment that this side accepts, announced in its SYN: the link's MTU less IP and TCP headers
            (1460 on Ethernet with IPv4, 1440 with IPv6; RFC 9293 §3.7.1).
        send_buffer: largest number of bytes that are sent or waiting, and not acknowledged.
        receive_buffer: largest number of received bytes that are not read; the window is the free part.  Linux starts
            at 128 KiB and grows to 6 MiB; here the size is fixed.
        window_scale: shift of the window field, None leaves the option out (RFC 7323 §2).
        timestamps: offer them (RFC 7323 §3).
        sack: offer selective acknowledgements (RFC 2018).
        ecn: "off", "accept" (if the peer requests it), or "ask" (request it) (RFC 3168 §6.1.1; tcp_ecn 0, 2, 1).
        congestion: "cubic" as in Linux, "cubic-rfc9438", "reno" (RFC 5681), "bbr" (version 1, always paced), or a name
            given to ``congestion.registry.register``.
        initial_window: segments in flight before the first acknowledgement (RFC 6928).
        hystart: how slow start ends before the queue overflows: "linux" by ACK trains and by delay,
            "rfc9406" by conservative slow start, "off"; CUBIC only.
        pacing: spread segments over the round trip instead of sending bursts; in Linux the fq queue does that.
        slow_start_after_idle: restart from the initial window after an idle RTO (RFC 5681 §4.1).
        nodelay: no Nagle algorithm (RFC 9293 §3.7.4).
        rto_initial, rto_min, rto_max: RFC 6298 §2; the minimum is Linux's 0.2 s, the RFC's is 1 s.
        syn_retries, synack_retries: retransmissions of a SYN, of a SYN,ACK, before the attempt fails.
        syn_linear_timeouts: retransmissions of a SYN before the timeout doubles (Linux 6.5, tcp_syn_linear_timeouts).
        retries: limit of data retransmissions, converted to a time as in Linux: 15 are about 15 minutes; and of window
            probes without an answer.
        tail_loss_probe: RFC 8985 §7.
        frto: detect spurious timeouts (RFC 5682).
        user_timeout: how long data may stay unacknowledged (RFC 5482); None: ``retries`` decides.
        keepalive: when a silent peer is probed (RFC 9293 §3.8.4); None, the default: never.
        delayed_ack: longest delay of an acknowledgement (RFC 9293 §3.8.6.3 allows 0.5).
        quick_acks: acknowledgements at the start of a connection that are not delayed.
        time_wait: seconds in TIME-WAIT, twice the maximum segment lifetime (RFC 9293 §3.4.2).
        fin_timeout: how long a closed endpoint waits in FIN-WAIT-2 for the peer's FIN.
        reassembly_limit: separate ranges beyond a hole; a segment that would add one more is dropped.
        challenge_interval: smallest time between two challenge ACKs (RFC 5961 §10).
        policy: how unacceptable segments are answered, where TCP implementations differ.
    """

    mss: int = 1460
    send_buffer: int = 1 << 20
    receive_buffer: int = 1 << 20
    window_scale: int | None = 7
    timestamps: bool = True
    sack: bool = True
    ecn: str = "accept"
    congestion: str = "cubic"
    initial_window: int = 10
    hystart: str = "linux"
    pacing: bool = False
    slow_start_after_idle: bool = True
    nodelay: bool = False
    rto_initial: float = 1.0
    rto_min: float = 0.2
    rto_max: float = 120.0
    syn_retries: int = 6
    synack_retries: int = 5
    syn_linear_timeouts: int = 4
    retries: int = 15
    tail_loss_probe: bool = True
    frto: bool = True
    user_timeout: float | None = None
    keepalive: KeepAlive | None = None
    delayed_ack: float = 0.04
    quick_acks: int = 16
    time_wait: float = 60.0
    fin_timeout: float = 60.0
    reassembly_limit: int = 1024
    challenge_interval: float = 0.5
    policy: Policy = RFC_5961

    def __reduce__(self) -> Reduced:
        return reduced(self)

    def __post_init__(self) -> None:
        self._check("mss", MIN_MSS, 65535)
        for name in ("send_buffer", "receive_buffer", "initial_window", "reassembly_limit", "retries"):
            self._check(name, 1)
        for name in ("syn_retries", "synack_retries", "syn_linear_timeouts", "quick_acks", "challenge_interval"):
            self._check(name, 0)
        for name in ("rto_initial", "rto_min", "time_wait", "fin_timeout", "delayed_ack"):
            self._check(name, 0.001)
        self._check("rto_max", self.rto_min)
        if self.window_scale is not None:
            self._check("window_scale", 0, MAX_WINDOW_SCALE)
            self._check("receive_buffer", 2 << self.window_scale)  # a smaller buffer could only announce a window of 0
        if self.ecn not in ("off", "accept", "ask"):
            raise UsageError(f"ecn={self.ecn!r}, 'off', 'accept' or 'ask' allowed")
        if self.hystart not in HYSTARTS:
            raise UsageError(f"hystart={self.hystart!r}, one of {', '.join(HYSTARTS)} allowed")
        if self.congestion not in control_names():
            raise UsageError(
                f"congestion={self.congestion!r}, one of {', '.join(control_names())} allowed",
                advice="for a control of your own call netwright.proto.tcp.congestion.registry.register first",
            )

    def _check(self, name: str, least: float, most: float = float("inf")) -> None:
        value = getattr(self, name)
        if not least <= value <= most:
            raise UsageError(f"{name}={value}, {least:g} to {most:g} allowed")
