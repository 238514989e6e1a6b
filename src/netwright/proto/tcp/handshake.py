"""The handshake: options that this side offers, and the agreement of both sides."""

from dataclasses import dataclass
from typing import Final

from netwright.proto.tcp.policy import RFC_5961, Policy
from netwright.proto.tcp.segment import ACK, CWR, ECE, FIN, RST, SYN, Segment, SynOptions
from netwright.proto.tcp.settings import MAX_WINDOW_SCALE, MIN_MSS, Settings

__all__ = ["DEFAULT_MSS", "Agreement", "agree", "answer_options", "ecn_flags", "is_opening", "offer", "refusal"]

DEFAULT_MSS: Final = 536  # where the peer sends no MSS option, RFC 9293 §3.7.1
_TIMESTAMPS = 12  # bytes that the option takes from every segment's data, RFC 7323 appendix A


@dataclass(frozen=True, slots=True)
class Agreement:
    """Parameters of a connection, known after both SYNs.

    Attributes:
        mss: bytes of data in a full segment that this side sends.
        send_scale: shift of the window fields that the peer sends; ``receive_scale``: of ours.
    """

    mss: int = DEFAULT_MSS
    send_scale: int = 0
    receive_scale: int = 0
    timestamps: bool = False
    sack: bool = False
    ecn: bool = False


def offer(settings: Settings) -> SynOptions:
    """The options of an opening SYN."""
    return SynOptions(settings.mss, settings.window_scale, settings.sack)


def answer_options(settings: Settings, agreement: Agreement, theirs: SynOptions) -> SynOptions:
    """The options of a SYN,ACK: only those that the SYN had (RFC 7323 §2.2, RFC 2018 §2)."""
    scale = settings.window_scale if theirs.window_scale is not None else None
    return SynOptions(settings.mss, scale, agreement.sack)


def ecn_flags(settings: Settings) -> int:
    """The ECN flags of an opening SYN (RFC 3168 §6.1.1)."""
    return ECE | CWR if settings.ecn == "ask" else 0


def agree(settings: Settings, syn: Segment) -> Agreement:
    """Agree on what this side's settings and the peer's SYN or SYN,ACK have in common.

    An MSS below 64 is raised to 64: no path is that narrow, and tiny segments are a known attack.
    """
    theirs = syn.syn or SynOptions()
    timestamps = settings.timestamps and syn.timestamps is not None
    mss = min(settings.mss, max(theirs.mss if theirs.mss is not None else DEFAULT_MSS, MIN_MSS))
    scaled = settings.window_scale is not None and theirs.window_scale is not None
    asked = ECE | CWR if not syn.flags & ACK else ECE
    return Agreement(
        mss=mss - _TIMESTAMPS if timestamps else mss,
        send_scale=min(theirs.window_scale or 0, MAX_WINDOW_SCALE) if scaled else 0,
        receive_scale=(settings.window_scale or 0) if scaled else 0,
        timestamps=timestamps,
        sack=settings.sack and theirs.sack_permitted,
        ecn=_ecn_wanted(settings, syn) and syn.flags & (ECE | CWR) == asked,
    )


def _ecn_wanted(settings: Settings, syn: Segment) -> bool:
    """True if ECN may be agreed on; in a SYN,ACK only if our SYN requested it (RFC 3168 §6.1.1)."""
    return settings.ecn == "ask" if syn.flags & ACK else settings.ecn != "off"


def refusal(segment: Segment) -> Segment | None:
    """The RST that answers a segment without a connection; None if that is a RST (RFC 9293 §3.10.7.1)."""
    if segment.flags & RST:
        return None
    if segment.flags & ACK:
        return Segment(segment.ack, 0, RST, 0)
    return Segment(0, segment.seq + segment.length, RST | ACK, 0)


def is_opening(segment: Segment, policy: Policy = RFC_5961) -> bool:
    """True for a SYN that opens a connection (RFC 9293 §3.10.7.2); with FIN only if the policy allows it."""
    return segment.flags & (SYN | ACK | RST | (FIN if policy.drop_syn_fin else 0)) == SYN
