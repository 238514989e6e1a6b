"""Options of the two SYNs: what this side offers, and what both agree on.  No I/O."""

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
    """What holds for the connection once both SYNs are known.

    Attributes:
        mss: bytes of data in a full segment that this side sends.
        send_scale, receive_scale: shifts of the peer's window field and of ours.
    """

    mss: int = DEFAULT_MSS
    send_scale: int = 0
    receive_scale: int = 0
    timestamps: bool = False
    sack: bool = False
    ecn: bool = False


def offer(settings: Settings) -> SynOptions:
    """Options of a SYN that opens."""
    return SynOptions(settings.mss, settings.window_scale, settings.sack)


def answer_options(settings: Settings, agreement: Agreement, theirs: SynOptions) -> SynOptions:
    """Options of a SYN,ACK: only what the SYN had (RFC 7323 §2.2, RFC 2018 §2)."""
    scale = settings.window_scale if theirs.window_scale is not None else None
    return SynOptions(settings.mss, scale, agreement.sack)


def ecn_flags(settings: Settings) -> int:
    """Flags of a SYN that asks for ECN (RFC 3168 §6.1.1)."""
    return ECE | CWR if settings.ecn == "ask" else 0


def agree(settings: Settings, syn: Segment) -> Agreement:
    """What this side's settings and the peer's SYN or SYN,ACK have in common.

    An MSS below 64 is taken as 64: smaller ones are an attack on the packet rate, not a path.
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
    """A SYN,ACK may only agree to what our SYN asked for (RFC 3168 §6.1.1)."""
    return settings.ecn == "ask" if syn.flags & ACK else settings.ecn != "off"


def refusal(segment: Segment) -> Segment | None:
    """The RST for a segment that belongs to no connection, None for a RST (RFC 9293 §3.10.7.1)."""
    if segment.flags & RST:
        return None
    if segment.flags & ACK:
        return Segment(segment.ack, 0, RST, 0)
    return Segment(0, segment.seq + segment.length, RST | ACK, 0)


def is_opening(segment: Segment, policy: Policy = RFC_5961) -> bool:
    """True for a SYN that opens a connection (RFC 9293 §3.10.7.2); with FIN only where the policy has it so."""
    return segment.flags & (SYN | ACK | RST | (FIN if policy.drop_syn_fin else 0)) == SYN
