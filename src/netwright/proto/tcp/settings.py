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
    """Times in seconds, sizes in bytes; what is not Linux's default says so.

    Attributes:
        mss: largest segment that this side takes, announced in its SYN: the path's MTU less IP and TCP headers
            (1460 on Ethernet with IPv4, 1440 with IPv6; RFC 9293 §3.7.1).
        send_buffer: bytes that ``send`` takes and the peer has not acknowledged.
        receive_buffer: bytes that came and were not read; the window is what is left of it.  Linux starts at 128 KiB
            and grows to 6 MiB; here it stays.
        window_scale: shift of the window field, None leaves the option out (RFC 7323 §2).
        timestamps: offer them (RFC 7323 §3).
        sack: offer selective acknowledgements (RFC 2018).
        ecn: "off", "accept" what the peer offers, or "ask" for it (RFC 3168 §6.1.1; tcp_ecn 0, 2, 1).
        congestion: "cubic" as Linux has it, "cubic-rfc9438", "reno" (RFC 5681), or "bbr" (version 1, always paced).
        initial_window: segments in flight before the first acknowledgement (RFC 6928).
        hystart: how slow start ends before the queue overflows: "linux" by trains of acknowledgements and by delay,
            "rfc9406" by conservative slow start, "off"; CUBIC only.
        pacing: spread segments over the round trip instead of sending bursts; Linux leaves that to the queue (fq).
        slow_start_after_idle: begin again with the initial window after an idle RTO (RFC 5681 §4.1).
        nodelay: no Nagle algorithm (RFC 9293 §3.7.4).
        rto_initial, rto_min, rto_max: RFC 6298 §2; Linux's least is 0.2 s where the RFC has 1 s.
        syn_retries, synack_retries: repeats of a SYN, of a SYN,ACK.
        syn_linear_timeouts: the first that many repeats of a SYN do not back off (Linux 6.5, tcp_syn_linear_timeouts).
        retries: a bound for repeats of data, turned into a time as Linux does: 15 are about 15 minutes.
        tail_loss_probe: RFC 8985 §7.
        frto: look whether a timeout was spurious (RFC 5682).
        user_timeout: data may stay unacknowledged that long; None leaves it to ``retries`` (RFC 5482).
        keepalive: probe a silent peer (RFC 9293 §3.8.4); None, the default, never does.
        delayed_ack: longest that an acknowledgement waits for company (RFC 9293 §3.8.6.3 allows 0.5).
        quick_acks: acknowledgements at the start of a connection that do not wait.
        time_wait: twice the maximum segment lifetime (RFC 9293 §3.4.2); Linux has 60 s.
        fin_timeout: a closed endpoint waits that long in FIN-WAIT-2 for the peer's FIN.
        reassembly_limit: separate pieces beyond a hole; a segment that would make one more is dropped.
        challenge_interval: least time between two answers to segments that nobody asked for (RFC 5961 §10).
        policy: answers to segments that do not fit, where TCPs differ.
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
            self._check("receive_buffer", 2 << self.window_scale)  # or no window but 0 could be said
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
