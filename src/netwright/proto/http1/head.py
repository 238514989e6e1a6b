"""A head or trailer section line by line (RFC 9112 §2.1): the same fault at the same byte, however it was split."""

from collections.abc import Callable

from netwright.core.errors import LimitError
from netwright.proto.http1.fields import check_field_line, check_line_end
from netwright.proto.http1.limits import HttpLimits
from netwright.proto.http1.scan import Found, scan

__all__ = ["Section"]

_CR = 13


class Section:
    """Finds the empty line that ends a section and checks each line once.

    Args:
        first: takes the start line, once; None for a trailer section, which has none.

    Attributes:
        found: of the last head, the fields that frame its message.
    """

    __slots__ = ("_checked", "_fields", "_first", "_first_limit", "_limits", "found")

    def __init__(self, limits: HttpLimits, first: Callable[[bytes], None] | None, first_limit: int = 0) -> None:
        self._limits, self._first, self._first_limit = limits, first, first_limit
        self._checked = self._fields = 0
        self.found: Found = ([], [], [], [], [], [])

    def reset(self) -> None:
        """The next section begins."""
        self._checked = self._fields = 0

    def find_end(self, data: bytes, start: int) -> int:
        r"""Place after the empty line of the section that begins at ``start``, or -1: more must come.

        ``data`` from ``start`` on must hold what earlier calls saw.

        Raises:
            HttpError: a line is not well-formed.
            LimitError: request_line, field_line, fields or head.
        """
        if self._first is not None and not self._checked:
            end = data.find(b"\r\n\r\n", start) + 4
            if end > 3 and self._is_small_and_sound(data, start, end):
                return end
        end = self._walk(data, start)
        if end > 0 and self._first is not None:
            found = scan(data[data.index(b"\n", start) + 1 : end - 2])
            assert found is not None  # each line was checked
            self.found = found[1]
        return end

    def _is_small_and_sound(self, data: bytes, start: int, end: int) -> bool:
        """One look at the usual head; a False says nothing, the walk finds out."""
        limits, line = self._limits, data.find(b"\n", start) + 1
        if line - start > self._first_limit or end - line > limits.field_line or end - start > limits.head:
            return False
        found = scan(data[line : end - 2])
        if found is None or found[0] > limits.fields or data[line - 2] != _CR:
            return False
        self.found = found[1]
        self._first(data[start : line - 2])  # type: ignore[misc]  # the caller looked
        return True

    def _walk(self, data: bytes, start: int) -> int:
        at = start + self._checked
        while True:
            newline = data.find(b"\n", at)
            stop = newline + 1 if newline >= 0 else len(data)
            offset = at - start
            self._check_size(offset, stop - at)
            if newline < 0:
                return -1
            line = data[at:stop]
            if offset or self._first is None:
                if line == b"\r\n":
                    return stop
                self._check_field(line, offset)
            else:
                check_line_end(line, 0)
                self._first(line[:-2])
            at = stop
            self._checked = at - start

    def _check_size(self, offset: int, size: int) -> None:
        """Refuse at the first byte too many, whether it came alone or with the rest."""
        limits = self._limits
        name, allowed = "field_line", limits.field_line
        if not offset and self._first is not None:
            name, allowed = "request_line", self._first_limit
        if offset + size > limits.head and limits.head <= offset + allowed:
            raise LimitError("head", limits.head + 1, limits.head, reference="RFC 6585 §5")
        if size > allowed:
            raise LimitError(name, allowed + 1, allowed, reference="RFC 9112 §3" if offset == 0 else "RFC 6585 §5")

    def _check_field(self, line: bytes, at: int) -> None:
        self._fields += 1
        if self._fields > self._limits.fields:
            raise LimitError("fields", self._fields, self._limits.fields, unit="lines", reference="RFC 6585 §5")
        check_field_line(line, at)
