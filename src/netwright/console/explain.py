"""Where a connection's time went, and why it ended: sentences from its record.  No I/O."""

from dataclasses import dataclass

from netwright.core.record import Outcome, Party, Waiting
from netwright.proto.feed import Record

__all__ = ["Finding", "explain"]

WORTH_SAYING = 0.02  # share of the life below which a cause is left out


@dataclass(frozen=True, slots=True)
class Finding:
    """``seconds`` is what it cost, 0.0 where that is not the point; ``advice`` is what to do, or ""."""

    title: str
    text: str
    seconds: float = 0.0
    advice: str = ""


def explain(record: Record, now: float) -> list[Finding]:
    """The end first if it was not in order, then who spent the time, the greatest share first."""
    end = record["closed_at"] or now
    life = max(end - record["started_at"], 1e-9)
    shares = sorted(_shares(record, end), key=lambda finding: -finding.seconds)
    return [*_end(record), *(f for f in shares if f.seconds >= WORTH_SAYING * life)]


def _end(record: Record) -> list[Finding]:
    ended = record["ended"]
    if ended.outcome not in _ENDS:
        return []
    title, text, advice = _ENDS[ended.outcome]
    if ended.outcome is Outcome.RESET and ended.who is not Party.PEER:
        title, text = (
            "The path went silent",
            "no acknowledgement came for as long as Tuning allows, or no way led there.",
        )
    said = " ".join(filter(None, (text, f"stage: {ended.stage}." if ended.stage else "", ended.text)))
    return [Finding(title, said, advice=advice)]


def _shares(record: Record, end: float) -> list[Finding]:
    waiting, running = record["waiting"], max(0.0, end - record["waiting_since"])
    handler = record["handler_time"] + (running if waiting == Waiting.HANDLER else 0.0)
    send = record["send_waited"] + (running if waiting == Waiting.SEND else 0.0)
    receive = record["receive_waited"] + (running if waiting not in (Waiting.HANDLER, Waiting.SEND, "") else 0.0)
    what = waiting if waiting and waiting not in (Waiting.HANDLER, Waiting.SEND) else "peer to send"
    return [
        Finding(
            "Idle" if what == Waiting.NEXT_REQUEST else "The peer was silent", f"this side waited for {what}.", receive
        ),
        Finding(
            "The peer did not read",
            "the kernel's send buffer was full: a slow peer, a slow path, or a peer that reads after it has written.",
            send,
            "Limits.send bounds it",
        ),
        Finding("The program worked", "neither read nor wrote: the handler's own time.", handler),
    ]


_ENDS = {
    Outcome.RESET: ("Reset by the peer", "it sent RST.", ""),
    Outcome.ABORTED: ("Aborted by this side", "RST was sent; bytes on their way may be lost.", ""),
    Outcome.DEADLINE: ("A deadline struck", "the time that was set ran out.", "Limits names each of them"),
    Outcome.LIMIT: ("A limit refused it", "a setting of this side was passed.", "Limits names each of them"),
    Outcome.PROTOCOL_ERROR: ("The peer broke the protocol", "what it sent is not allowed.", ""),
    Outcome.HANDLER_ERROR: (
        "The handler raised",
        "the program's own code failed.",
        "the service's report names the cause",
    ),
    Outcome.CONNECT_FAILED: ("Nobody answered", "no address could be reached.", ""),
}
