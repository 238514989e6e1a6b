"""Fields of an HTTP message, whatever its version (RFC 9110 §5)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Self

from netwright.core.errors import UsageError

__all__ = ["NO_FIELDS", "TCHAR", "TEXT", "Fields", "check_pair", "is_token"]

TCHAR = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"  # RFC 9110 §5.6.2
TEXT = rb"[\t\x20-\x7e\x80-\xff]"  # field-vchar, SP and HTAB, RFC 9110 §5.5
_TOKEN = re.compile(rb"%b++" % TCHAR)
_NAME = re.compile(_TOKEN.pattern.decode())
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*+")
_PAIR = re.compile(r"([^:]++):[ \t]*+([^\r\n]*)\r\n")


class Fields(Mapping[str, str]):
    """The fields of a message: names in lower case, values as ISO 8859-1 (RFC 9110 §5.5: other bytes are opaque).

    ``fields["accept"]`` joins the lines of one name with ", " (RFC 9110 §5.3), those of Cookie with "; " (RFC 9113
    §8.2.3); ``get_all`` keeps them apart.  Lookup ignores the case.  Iteration gives each name once, ``pairs`` every
    line in order.
    """

    __slots__ = ("_block", "_lowered", "_pairs")

    def __init__(self, pairs: "Mapping[str, str] | Iterable[tuple[str, str]]" = (), *, block: bytes = b"") -> None:
        """Take ``pairs``, or ``block``, see ``of_block``.

        Raises:
            UsageError: a name is not a token, or a value has a control character or one beyond ISO 8859-1.
        """
        self._block, self._lowered = block, b""
        self._pairs: tuple[tuple[str, str], ...] | None = None
        if not block:
            given = pairs.items() if isinstance(pairs, Mapping) else pairs
            self._pairs = tuple((check_pair(name, value).lower(), value) for name, value in given)

    @classmethod
    def of_block(cls, block: bytes) -> Self:
        """Return the fields of ``block``, lines of HTTP/1.1 that were checked; they are parsed on first use."""
        return cls(block=block)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Name and value of each line, in order."""
        if self._pairs is None:
            text = self._block.decode("latin-1")
            self._pairs = tuple((name.lower(), value.rstrip(" \t")) for name, value in _PAIR.findall(text))
        return self._pairs

    def __getitem__(self, name: str) -> str:
        values = self.get_all(name)
        if not values:
            raise KeyError(name)
        return ("; " if name.lower() == "cookie" else ", ").join(values) if len(values) > 1 else values[0]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self.pairs))

    def __len__(self) -> int:
        return len(dict(self.pairs))

    def __repr__(self) -> str:
        return f"<Fields {dict(self)}>"

    def get_all(self, name: str) -> list[str]:
        """Return the values of every line with this name, in order."""
        if self._pairs is not None:
            name = name.lower()
            return [value for other, value in self._pairs if other == name]
        if not self._lowered:
            self._lowered = b"\n" + self._block.lower()
        return self._find_all(b"\n%b:" % name.lower().encode("latin-1", "replace"))

    def _find_all(self, sought: bytes) -> list[str]:
        """Look for one name: cheaper than parsing every line, and of most requests only a few names are read."""
        values: list[str] = []
        at = self._lowered.find(sought)
        while at >= 0:
            start = at + len(sought) - 1  # the block lacks the first LF
            values.append(self._block[start : self._block.index(b"\r", start)].strip(b" \t").decode("latin-1"))
            at = self._lowered.find(sought, start)
        return values

    def tokens(self, name: str) -> list[str]:
        """Return a comma-separated list as lower-case members, empty ones left out (RFC 9110 §5.6.1)."""
        values = self.get_all(name)
        if not values:
            return []
        members = ",".join(values).lower().split(",")
        return [member.strip(" \t") for member in members if member.strip(" \t")]


NO_FIELDS = Fields()


def is_token(name: bytes) -> bool:
    """RFC 9110 §5.6.2."""
    return _TOKEN.fullmatch(name) is not None


def check_pair(name: str, value: str) -> str:
    """Return ``name`` if the pair can be sent as a field.

    Raises:
        UsageError: the name is not a token, or the value has a control character or one beyond ISO 8859-1.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"field name is not a token: {name!r}", reference="RFC 9110 §5.1")
    bad = _VALUE.match(value)
    assert bad is not None
    if bad.end() < len(value):
        place = f"character {bad.end()} of field {name}: {value[bad.end()]!r}"
        raise UsageError(f"{place} is a control character or not ISO 8859-1", reference="RFC 9110 §5.5")
    return name
