"""Field lines (RFC 9110 §5, RFC 9112 §5): a checked block of bytes, parsed on first use."""

import re
from collections.abc import Iterable, Iterator, Mapping

from netwright.core.errors import UsageError
from netwright.proto.http1.status import HttpError

__all__ = [
    "FIELD_LINE",
    "NO_FIELDS",
    "TCHAR",
    "Fields",
    "check_field_line",
    "check_line_end",
    "format_fields",
    "is_token",
]

TCHAR = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"  # RFC 9110 §5.6.2
_TEXT = rb"[\t\x20-\x7e\x80-\xff]"  # field-vchar, SP and HTAB, RFC 9110 §5.5
FIELD_LINE = rb"%b++:%b*+\r\n" % (TCHAR, _TEXT)
_CHECKED = re.compile(FIELD_LINE)
_PAIR = re.compile(rb"([^:]++):[ \t]*+([^\r\n]*)\r\n")
_TOKEN = re.compile(rb"%b++" % TCHAR)
_NOT_TEXT = re.compile(rb"[^\t\x20-\x7e\x80-\xff]")


class Fields(Mapping[str, str]):
    """The fields of a message: names in lower case, values as ISO 8859-1 (RFC 9110 §5.5: other bytes are opaque).

    ``fields["accept"]`` joins the lines of one name with ", " (RFC 9110 §5.3), ``get_all`` keeps them apart.  Lookup
    does not mind the case.  Iteration gives each name once, ``pairs`` every line in order.
    """

    __slots__ = ("_lowered", "_pairs", "block")

    def __init__(self, block: bytes) -> None:
        """``block`` is what ``scan`` accepts."""
        self.block = block
        self._pairs: tuple[tuple[str, str], ...] | None = None
        self._lowered = b""

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Name and value of each line, in order."""
        if self._pairs is None:
            text = self.block.decode("latin-1")
            self._pairs = tuple((name.lower(), value.rstrip(" \t")) for name, value in _TEXT_PAIR.findall(text))
        return self._pairs

    def __getitem__(self, name: str) -> str:
        values = self.get_all(name)
        if not values:
            raise KeyError(name)
        return ", ".join(values)

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self.pairs))

    def __len__(self) -> int:
        return len(dict(self.pairs))

    def __repr__(self) -> str:
        return f"<Fields {dict(self)}>"

    def get_all(self, name: str) -> list[str]:
        """The values of every line with this name, in order."""
        if self._pairs is not None:
            name = name.lower()
            return [value for other, value in self._pairs if other == name]
        if not self._lowered:
            self._lowered = b"\n" + self.block.lower()
        return self._find_all(b"\n%b:" % name.lower().encode("latin-1", "replace"))

    def _find_all(self, sought: bytes) -> list[str]:
        """A look for one name costs less than reading every line: of most requests only a few are asked for."""
        values: list[str] = []
        at = self._lowered.find(sought)
        while at >= 0:
            start = at + len(sought) - 1  # the block lacks the first LF
            values.append(self.block[start : self.block.index(b"\r", start)].strip(b" \t").decode("latin-1"))
            at = self._lowered.find(sought, start)
        return values

    def tokens(self, name: str) -> list[str]:
        """A comma-separated list as lower-case members, empty ones left out (RFC 9110 §5.6.1)."""
        values = self.get_all(name)
        if not values:
            return []
        members = ",".join(values).lower().split(",")
        return [member.strip(" \t") for member in members if member.strip(" \t")]


_TEXT_PAIR = re.compile(_PAIR.pattern.decode())
NO_FIELDS = Fields(b"")


def is_token(name: bytes) -> bool:
    """RFC 9110 §5.6.2."""
    return _TOKEN.fullmatch(name) is not None


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
    """Field lines to send.

    Raises:
        UsageError: a name is not a token, or a value has a control character or one beyond ISO 8859-1.
    """
    lines = []
    for name, value in pairs:
        try:
            line = f"{name}: {value}\r\n".encode("latin-1")
        except UnicodeEncodeError as error:
            raise UsageError(f"field {name}: {value!r} is not ISO 8859-1", reference="RFC 9110 §5.5") from error
        if not _CHECKED.fullmatch(line) or ":" in name:
            raise UsageError(f"not a field line: {name!r}: {value!r}", reference="RFC 9110 §5.1, §5.5")
        lines.append(line)
    return b"".join(lines)


def _shown(raw: bytes) -> str:
    return repr(raw if len(raw) <= 40 else raw[:40] + b"...")
