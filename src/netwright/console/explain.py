"""Why a connection ended and where its time went, in sentences: the end of its record, the shares of its ledger."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netwright.core.record import Outcome, Party
from netwright.proto.feed import Record
from netwright.watch.ledger import Cause, Share

__all__ = ["Finding", "explain"]

WORTH_SAYING = 0.02  # share of the life below which a cause is left out


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence about a connection; ``seconds`` is the time it cost, 0.0 if none; ``advice`` is what to do, or ""."""

    title: str
    text: str
    seconds: float = 0.0
    advice: str = ""


def explain(record: Record, shares: Iterable[Share], *, lost: bool = False) -> list[Finding]:
    """Return findings: the end first if it was not in order, then the large shares of the ledger.

    Args:
        lost: its worker died, so its record has no end.
    """
    said = [_LOST] if lost else _end(record)
    return [*said, *(_share(share, record["kernel"]) for share in shares if share.share >= WORTH_SAYING)]


def _end(record: Record) -> list[Finding]:
    ended = record["ended"]
    if ended.outcome not in _ENDS:
        return []
    title, text, advice = _ENDS[ended.outcome]
    if ended.outcome is Outcome.RESET:
        title, text, advice = _BROKEN[ended.who]
    elif ended.outcome is Outcome.CONNECT_FAILED and ended.who in _NO_CONNECTION:
        title, text, advice = _NO_CONNECTION[ended.who]
    said = " ".join(filter(None, (text, f"Stage: {ended.stage}." if ended.stage else "", ended.text)))
    return [Finding(title, said, advice=advice)]


def _share(share: Share, kernel: Mapping[str, float]) -> Finding:
    title, text, advice = _SHARES[share.cause]
    if share.cause is Cause.UNACKNOWLEDGED and kernel:
        retransmitted = int(kernel.get("total_retrans", 0))
        path = f" Round trip {kernel.get('rtt', 0.0) * 1000:.1f} ms, {retransmitted} segments retransmitted."
        text += path
    return Finding(title, text, share.seconds, advice)


_LOST = Finding(
    "The worker ended", "its process ended while the connection was open; how the connection went on is unknown."
)
_ENDS = {
    Outcome.RESET: ("Reset by the peer", "it sent RST.", ""),
    Outcome.ABORTED: ("Aborted by this side", "RST was sent; bytes on their way may be lost.", ""),
    Outcome.DEADLINE: ("A deadline struck", "a time that this side had set ran out.", "Limits has each of them"),
    Outcome.LIMIT: ("A limit refused it", "the peer sent more than a setting of this side allows.", "Limits has each"),
    Outcome.PROTOCOL_ERROR: ("The peer broke the protocol", "what it sent is not allowed.", ""),
    Outcome.HANDLER_ERROR: ("The handler raised", "the program's own code failed.", "the log has the traceback"),
    Outcome.CONNECT_FAILED: ("Nobody answered", "no address could be reached.", ""),
}
_RESET = ("Reset by the peer", "it sent RST.", "")
_BROKEN = dict.fromkeys(Party, _RESET) | {
    Party.NETWORK: (
        "The path went silent",
        "no acknowledgement came for as long as Tuning allows, or no route led to the peer.",
        "Tuning.user_timeout and keepalive set how long it is waited for",
    ),
    Party.KERNEL: ("This host's kernel gave it up", "it had no memory or no permission for it.", "see its log: dmesg"),
}
_NO_CONNECTION = {
    Party.LOOKUP: ("The name was not found", "the resolver gave no address.", ""),
    Party.PEER: ("The connection was refused", "the host answered that nobody listens there.", ""),
    Party.KERNEL: ("This host could not connect", "its kernel refused the attempt.", ""),
}
_SHARES = {
    Cause.LOOKUP: ("The name lookup took time", "the resolver was waited for.", "netwright doctor asks it"),
    Cause.CONNECT: ("The handshake took time", "no answer to SYN came sooner.", ""),
    Cause.RECEIVE: ("Waiting for the peer to send", "this side had read everything that came.", ""),
    Cause.IDLE: ("Idle", "this side waited for the next request.", ""),
    Cause.HANDLER: ("The program worked", "it neither read nor wrote: the handler's own time.", ""),
    Cause.SEND: (
        "The peer did not read",
        "bytes for it waited: its receive window was full, or the send buffer here was.",
        "Limits.send bounds it",
    ),
    Cause.BUFFER: ("The send buffer is small", "it was full while the path could take more.", "leave SO_SNDBUF unset"),
    Cause.UNACKNOWLEDGED: ("Sent and unacknowledged", "the peer's acknowledgements were waited for.", ""),
    Cause.CLOSE: ("The close took time", "what was queued was sent, or the peer's end was waited for.", ""),
}
