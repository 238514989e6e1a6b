"""The feed between a serving process and the console: JSON objects, one a line.  Both roles.

The worker says Hello, then Batch and Moments, and Bye before it ends in order.  The console says Welcome, then Watch
and Unwatch.  Times are seconds on the worker's clock; Hello carries that clock and the wall's at one instant.

A record costs the worker as little as possible: it is an array, its times are integers of microseconds (the decimal
digits of a float take 20 times as long), and struct tcp_info goes as it came from the kernel, for the console to read.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any, Generic, TypeAlias, TypedDict, TypeVar, assert_never, cast

from netwright.core.buffer import ReceiveBuffer
from netwright.core.errors import LimitError, ProtocolError
from netwright.core.moment import Kind, Moment
from netwright.core.record import Attempt, ConnectionRecord, End, Exchange, Outcome, Party, Result, Waiting
from netwright.wire.tcp_info import parse_tcp_info

__all__ = [
    "FORMAT",
    "KERNEL",
    "MAX_LINE",
    "ROW",
    "Batch",
    "Bye",
    "Command",
    "FeedParser",
    "Hello",
    "Moments",
    "Record",
    "Unwatch",
    "Update",
    "Watch",
    "Welcome",
    "batch_line",
    "kernel_values",
    "parse_command",
    "parse_record",
    "parse_update",
    "readable",
    "record_row",
    "serialize",
]

FORMAT = 2  # grows when an old console could no longer read a new worker
MAX_LINE = 1024 * 1024  # bytes of a line; a batch of 100 records is about 90 kB
_KERNEL = """state ca_state snd_cwnd snd_ssthresh snd_mss rtt rttvar min_rtt rto unacked sacked lost retrans
total_retrans total_rto notsent_bytes snd_wnd rcv_wnd pmtu delivery_rate pacing_rate busy_time rwnd_limited
sndbuf_limited bytes_acked bytes_received bytes_retrans segs_out reordering dsack_dups last_data_sent last_data_recv
last_ack_recv"""
KERNEL = tuple(_KERNEL.split())  # fields of struct tcp_info that a record has, by the kernel's names


class Record(TypedDict):
    """``ConnectionRecord.as_dict()`` with its units; ``kernel`` is struct tcp_info by name, {} if it was never read.

    Of a live connection that nobody watches ``exchanges`` has the newest one only.
    """

    number: int
    role: str
    transport: str
    local: str
    peer: str
    service: str
    protocol: str
    waiting: str
    ended: End
    started_at: float
    opened_at: float
    first_in_at: float
    first_out_at: float
    last_in_at: float
    last_out_at: float
    closed_at: float
    waiting_since: float
    receive_waited: float
    idle_waited: float
    close_waited: float
    send_waited: float
    handler_time: float
    bytes_in: int
    bytes_out: int
    reads: int
    writes: int
    messages: int
    version: int
    watched: bool
    attempts: tuple[Attempt, ...]
    exchanges: list[Exchange]
    resolved_at: float
    kernel_at: float
    kernel: dict[str, float]


@dataclass(frozen=True, slots=True)
class Hello:
    """The worker's identity; ``now`` and ``wall`` are its clock and the time of day, read together."""

    pid: int
    program: str
    engine: str
    python: str
    now: float
    wall: float
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes since the previous batch; ``lost`` counts all closed connections so far that were not reported."""

    now: float
    records: list[Record]
    closed: list[Record]
    totals: dict[str, int]
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments ``first``, ``first`` + 1, … of a watched connection; ``lost`` counts those that were dropped."""

    number: int
    first: int
    moments: list[Moment]
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Bye:
    """The worker ends in order; a feed that ends without this message means that it died."""


@dataclass(frozen=True, slots=True)
class Welcome:
    """The console's URL."""

    url: str
    pid: int


@dataclass(frozen=True, slots=True)
class Watch:
    """Keep and send the moments of connection ``number``."""

    number: int


@dataclass(frozen=True, slots=True)
class Unwatch:
    """The moments of connection ``number`` are no longer wanted."""

    number: int


Update: TypeAlias = Hello | Batch | Moments | Bye
Command: TypeAlias = Welcome | Watch | Unwatch
T = TypeVar("T")


def serialize(message: Update | Command) -> bytes:
    """The line of a message, its end included."""
    match message:
        case Hello():
            body: object = {"hello": {name: getattr(message, name) for name in message.__slots__}}
        case Batch(now, records, closed, totals, lost):
            return batch_line(now, [*map(_row_of, records)], [*map(_row_of, closed)], totals, lost)
        case Moments(number, first, moments, lost):
            told = [(moment.at, moment.kind, moment.size, moment.note, moment.about) for moment in moments]
            body = {"moments": {"number": number, "first": first, "moments": told, "lost": lost}}
        case Bye():
            body = {"bye": True}
        case Welcome(url, pid):
            body = {"welcome": {"url": url, "pid": pid}}
        case Watch(number):
            body = {"watch": number}
        case Unwatch(number):
            body = {"unwatch": number}
        case _:
            assert_never(message)
    return _encode(body) + b"\n"


def record_row(record: ConnectionRecord, *, newest: bool = False) -> list[object]:
    """A record as an array, see ROW; with ``newest`` only the newest of its exchanges."""
    local, peer = record.local, record.peer
    texts = str(local) if local is not None else "", str(peer) if peer is not None else "", record.timeline is not None
    exchanges = [record.exchanges[-1]] if newest and record.exchanges else record.exchanges
    parts = record.ended, record.attempts, [exchange.values() for exchange in exchanges]
    return _row(*_plain_of(record), *texts, times=_times_of(record), parts=parts, kernel=record.kernel)


def _row(
    *plain: object,
    times: Iterable[float],
    parts: tuple[End, Iterable[Attempt], Iterable[Exchange]],
    kernel: bytes,
) -> list[object]:
    ended, attempts, exchanges = parts
    return [
        *plain,
        *[int(at * 1e6 + 0.5) for at in times],
        ended,
        [(*a[:3], _micros(a.began), _micros(a.took)) for a in attempts],
        [(_micros(e[0]), _micros(e[1]), _micros(e[2]), *e[3:]) for e in exchanges],
        kernel.hex(),
    ]


def _row_of(record: Record) -> list[object]:
    """Return a parsed record as a row, without its kernel's view."""
    parts = record["ended"], record["attempts"], record["exchanges"]
    texts = record["local"], record["peer"], record["watched"]
    return _row(*itemgetter(*_PLAIN)(record), *texts, times=itemgetter(*_TIMES)(record), parts=parts, kernel=b"")


def _micros(seconds: float) -> int:
    return int(seconds * 1e6 + 0.5)


def batch_line(now: float, live: list[list[object]], closed: list[list[object]], totals: object, lost: int) -> bytes:
    """The line of a Batch whose records are rows already."""
    return _encode({"now": now, "records": live, "closed": closed, "totals": totals, "lost": lost}) + b"\n"


def _encode(body: object) -> bytes:
    return _ENCODER.encode(body).encode()


_ENCODER = json.JSONEncoder(separators=(",", ":"))


class FeedParser(Generic[T]):
    """Bytes to messages; ``parse`` is ``parse_update`` in the console and ``parse_command`` in the worker."""

    def __init__(self, parse: Callable[[bytes], T], *, max_line: int = MAX_LINE) -> None:
        self._parse, self._max_line = parse, max_line
        self._buffer = ReceiveBuffer()

    def receive(self, data: bytes) -> list[T]:
        """The messages that are complete now.

        Raises:
            ProtocolError: a line is not one of the messages.
            LimitError: a line is longer than ``max_line``.
        """
        self._buffer.append(data)
        messages: list[T] = []
        while (end := self._buffer.find(b"\n")) >= 0:
            self._check(end)
            messages.append(self._parse(self._buffer.take(end + 1)))
        self._check(len(self._buffer))
        return messages

    def _check(self, size: int) -> None:
        if size > self._max_line:
            raise LimitError("max_line", size, self._max_line)


def parse_update(line: bytes) -> Update:
    """Parse a message of a worker."""
    values = _object(line)
    if "hello" in values:
        hello = _check_types(values["hello"], _HELLO, "hello")
        return Hello(**{name: hello[name] for name in _HELLO})
    if "moments" in values:
        told = _check_types(values["moments"], _MOMENTS, "moments")
        return Moments(told["number"], told["first"], [_moment(value) for value in told["moments"]], told["lost"])
    if "records" in values:
        _check_types(values, _BATCH, "batch")
        totals = {name: int(count) for name, count in values["totals"].items() if isinstance(count, int)}
        return Batch(values["now"], _records(values["records"]), _records(values["closed"]), totals, values["lost"])
    if values == {"bye": True}:
        return Bye()
    raise ProtocolError(f"not a message of a worker: {_short(values)}")


def parse_command(line: bytes) -> Command:
    """Parse a message of a console."""
    match _object(line):
        case {"watch": int(number)}:
            return Watch(number)
        case {"unwatch": int(number)}:
            return Unwatch(number)
        case {"welcome": {"url": str(url), "pid": int(pid)}}:
            return Welcome(url, pid)
        case other:
            raise ProtocolError(f"not a message of a console: {_short(other)}")


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not JSON: {_short(line)}") from error
    if not isinstance(value, dict):
        raise ProtocolError(f"not a JSON object: {_short(line)}")
    return value


def readable(record: Record) -> dict[str, Any]:
    """The record for people's JSON: its parts are objects with names, not arrays as on the feed."""
    ended = record["ended"]
    parts = {
        "outcome": ended.outcome,
        "ended": ended._asdict(),
        "attempts": [attempt._asdict() for attempt in record["attempts"]],
        "exchanges": [exchange._asdict() for exchange in record["exchanges"]],
    }
    return {**record, **parts}


def _records(values: Iterable[object]) -> list[Record]:
    return [parse_record(value) for value in values]


def parse_record(value: object) -> Record:
    """A record from its row.

    Raises:
        ProtocolError: a field is absent or of another type.
    """
    if not isinstance(value, list) or len(value) != len(ROW):
        raise ProtocolError(f"record: an array of {len(ROW)} fields wanted, not {_short(value)}")
    values = _check_types(dict(zip(ROW, value, strict=True)), ROW, "record")
    if values["waiting"] not in _WAITING:
        raise ProtocolError(f"record: waiting is {values['waiting']!r}")
    for name in _TIMES:
        values[name] = _seconds(values[name])
    values["ended"] = _end(values["ended"])
    values["attempts"] = tuple(map(_attempt, values["attempts"]))
    values["exchanges"] = list(map(_exchange, values["exchanges"]))
    values["kernel"] = _kernel(values["kernel"])
    return cast("Record", values)


def _seconds(micros: int) -> float:
    if abs(micros) > _LONGEST:  # of integers without bound some do not fit a float
        raise ProtocolError(f"record: a time of {_short(micros)} µs, {_LONGEST} allowed")
    return micros / 1e6


def _kernel(text: str) -> Mapping[str, float]:
    try:
        return kernel_values(bytes.fromhex(text))
    except ValueError as error:
        raise ProtocolError(f"record: kernel is {_short(text)}, hexadecimal digits wanted") from error


@lru_cache(maxsize=1000)  # a record changes more often than its kernel is asked
def kernel_values(asked: bytes) -> Mapping[str, float]:
    """The fields of KERNEL that a struct tcp_info has; {} for b"".

    Raises:
        ProtocolError: it is too short.
    """
    if not asked:
        return {}
    info = parse_tcp_info(asked)
    return {name: value for name in KERNEL if (value := getattr(info, name)) is not None}


def _end(value: object) -> End:
    match value:
        case [str(outcome), str(who), str(stage), int(errno), str(text)] if outcome in _OUTCOMES and who in _PARTIES:
            return End(Outcome(outcome), Party(who), stage, errno, text)
        case _:
            raise ProtocolError(f"record: ended is {_short(value)}")


def _attempt(value: object) -> Attempt:
    match value:
        case [str(address), str(result), int(errno), int(began), int(took)] if result in _RESULTS:
            return Attempt(address, Result(result), errno, _seconds(began), _seconds(took))
        case _:
            raise ProtocolError(f"record: attempts has {_short(value)}")


def _exchange(value: object) -> Exchange:
    match value:
        case [int(began), int(handler), int(answered), str(subject), int(status), str(note)]:
            return Exchange(_seconds(began), _seconds(handler), _seconds(answered), subject, status, note)
        case _:
            raise ProtocolError(f"record: exchanges has {_short(value)}")


def _moment(value: object) -> Moment:
    match value:
        case [float() | int() as at, str(kind), int(size), str(note), list(about)] if kind in _KINDS and all(
            isinstance(fact, (str, int, float)) for fact in about
        ):
            return Moment(float(at), Kind(kind), size, note, tuple(about))
        case _:
            raise ProtocolError(f"not a moment: {_short(value)}")


def _check_types(values: object, wanted: Mapping[str, type], place: str) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ProtocolError(f"{place} is not an object: {_short(values)}")
    for name, kind in wanted.items():
        seen = values.get(name)
        allowed: type | tuple[type, ...] = (float, int) if kind is float else kind
        if not isinstance(seen, allowed) or (isinstance(seen, bool) and kind is not bool):
            raise ProtocolError(f"{place}: {name} is {_short(seen)}, {kind.__name__} wanted")
    return values


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


_LONGEST = 10**15  # microseconds: 31 years
_PARTS: dict[str, type] = {"ended": list, "attempts": list, "exchanges": list, "kernel": str}
_TEXTS = ("local", "peer", "watched")  # of the record they are values of other types
_TIMES = tuple(name for name, kind in Record.__annotations__.items() if kind is float)
_PLAIN = tuple(name for name in Record.__annotations__ if name not in {*_TIMES, *_PARTS, *_TEXTS})
ROW: dict[str, type] = {  # the fields of a record's array in their order, and their types there
    **{name: Record.__annotations__[name] for name in (*_PLAIN, *_TEXTS)},
    **dict.fromkeys(_TIMES, int),
    **_PARTS,
}
_plain_of, _times_of = attrgetter(*_PLAIN), attrgetter(*_TIMES)
_HELLO: dict[str, type] = dict(Hello.__annotations__)
_MOMENTS: dict[str, type] = {"number": int, "first": int, "moments": list, "lost": int}
_BATCH: dict[str, type] = {"now": float, "records": list, "closed": list, "totals": dict, "lost": int}
_WAITING, _OUTCOMES, _KINDS = frozenset(Waiting), frozenset(Outcome), frozenset(Kind)
_PARTIES, _RESULTS = frozenset(Party), frozenset(Result)
