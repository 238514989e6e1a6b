"""The field lines of a response in HTTP/1.1, its Date among them (RFC 9110 §6.6.1)."""

import time

from netwright.proto.http1 import format_fields

__all__ = ["encode_fields"]

Pairs = tuple[tuple[str, str], ...]
MOST = 100  # blocks that are kept: the content types of a program are few
_kept: dict[Pairs, bytes] = {}  # of the present second
_date, _since, _until = b"", 0.0, 0.0


def encode_fields(fields: Pairs, now: float) -> bytes:
    """Return field lines; Date is added unless the handler said one.  ``now`` is a time that does not step back.

    The lines of a response with nothing but a content type are made once a second.
    """
    if not _since <= now < _until:
        _renew_date(now)
    block = _kept.get(fields)
    if block is not None:
        return block
    block = format_fields(fields)
    if not any(name.lower() == "date" for name, _ in fields):
        block += _date
    if len(_kept) < MOST and (not fields or (len(fields) == 1 and fields[0][0] == "content-type")):
        _kept[fields] = block
    return block


def _renew_date(now: float) -> None:
    global _date, _since, _until  # noqa: PLW0603  # one clock for all connections of the process
    wall = time.time()
    _date = time.strftime("date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime(wall)).encode()
    _since, _until = now, now + 1.0 - wall % 1.0
    _kept.clear()
