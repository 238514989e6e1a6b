"""Field lines of HTTP/1.1 (RFC 9112 §5): checked as they come, written as they go out."""

import re
from collections.abc import Iterable

from netwright.proto.fields import TCHAR, TEXT, check_pair, is_token
from netwright.proto.http1.status import HttpError

__all__ = ["FIELD_LINE", "check_field_line", "check_line_end", "format_fields"]

FIELD_LINE = rb"%b++:%b*+\r\n" % (TCHAR, TEXT)
_CHECKED = re.compile(FIELD_LINE)
_NOT_TEXT = re.compile(rb"[^\t\x20-\x7e\x80-\xff]")


def check_field_line(line: bytes, at: int) -> None:
    r"""Accept one field line that ends with ``\n``; ``at`` is its place in the head.

    Raises:
        HttpError: it is not one (RFC 9112 §5, §2.2).
    """
    if _CHECKED.fullmatch(line):
        return
    check_line_end(line, at)
    if line[:1] in (b" ", b"\t"):
        raise HttpError(f"folded field line at byte {at}", reference="RFC 9112 §5.2", advice="send it as one line")
    name, colon, value = line[:-2].partition(b":")
    if not colon:
        raise HttpError(f"field line without a colon at byte {at}: {_shown(name)}", reference="RFC 9112 §5")
    if name.rstrip(b" \t") != name:
        raise HttpError(f"space between field name and colon at byte {at}: {_shown(name)}", reference="RFC 9112 §5.1")
    if not is_token(name):
        raise HttpError(f"field name is not a token at byte {at}: {_shown(name)}", reference="RFC 9110 §5.1")
    bad = _NOT_TEXT.search(value)
    assert bad is not None
    place = at + len(name) + 1 + bad.start()
    raise HttpError(f"control character {bad[0]!r} in {name.decode()} at byte {place}", reference="RFC 9110 §5.5")


def check_line_end(line: bytes, at: int) -> None:
    """Accept CRLF only: a bare LF is where two readers see two different heads.

    Raises:
        HttpError: the LF has no CR before it (RFC 9112 §2.2 lets a recipient accept it; this one does not).
    """
    if not line.endswith(b"\r\n"):
        raise HttpError(
            f"line ends with LF alone at byte {at + len(line) - 1}, CRLF allowed", reference="RFC 9112 §2.2"
        )


def format_fields(pairs: Iterable[tuple[str, str]]) -> bytes:
    """Return field lines to send.

    Raises:
        UsageError: a name is not a token, or a value has a control character or one beyond ISO 8859-1.
    """
    return "".join(f"{check_pair(name, value)}: {value}\r\n" for name, value in pairs).encode("latin-1")


def _shown(raw: bytes) -> str:
    return repr(raw if len(raw) <= 40 else raw[:40] + b"...")
