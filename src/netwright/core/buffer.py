"""A buffer of received bytes that were not yet read."""

__all__ = ["ReceiveBuffer"]

_COMPACT = 64 * 1024  # taken bytes in front above which the rest moves down


class ReceiveBuffer:
    """A queue of bytes: append at the end, take from the front, search without searching twice.

    A chunk that comes when the queue is empty is kept as it is and handed over whole: bytes are copied only where a
    message spans chunks.  ``find`` remembers how far it looked: a delimiter that comes one byte at a time costs O(n).

    Attributes:
        resume: what a framing stores about the unfinished message at the front, so that the next call goes on where
            this one ended; None again once bytes are taken or put in front.
    """

    __slots__ = ("_data", "_searched", "_start", "_target", "resume")

    def __init__(self) -> None:
        self._data: bytes | bytearray = b""
        self._start = 0
        self._searched = 0
        self._target = b""
        self.resume: object = None

    def __len__(self) -> int:
        return len(self._data) - self._start

    def __repr__(self) -> str:
        return f"<ReceiveBuffer {len(self)} bytes>"

    def append(self, data: bytes | bytearray | memoryview) -> None:
        """Add what the peer sent; anything but ``bytes`` is copied."""
        if not self._data:
            self._data = data if type(data) is bytes else bytes(data)
        elif isinstance(self._data, bytes):
            self._data = bytearray(self._data[self._start :] if self._start else self._data)
            self._data += data
            self._start = 0
        else:
            self._data += data

    def prepend(self, data: bytes) -> None:
        """Put ``data`` in front of everything."""
        if data:
            self._data = data + self._data[self._start :]
            self._start = self._searched = 0
            self.resume = None

    def take(self, count: int) -> bytes:
        """Remove and return up to ``count`` bytes."""
        data, start = self._data, self._start
        if not start and count >= len(data):
            self._data, self._searched, self.resume = b"", 0, None
            return data if type(data) is bytes else bytes(data)
        end = min(start + count, len(data))
        if isinstance(self._data, bytes):
            taken = self._data[start:end]
        else:
            with memoryview(self._data) as view:
                taken = bytes(view[start:end])
        self._advance(end)
        return taken

    def take_all(self) -> bytes:
        """Remove and return everything."""
        return self.take(len(self))

    def skip(self, count: int) -> None:
        """Remove up to ``count`` bytes."""
        self._advance(min(self._start + count, len(self._data)))

    def peek(self, count: int, offset: int = 0) -> bytes:
        """Up to ``count`` bytes from ``offset``, not removed."""
        begin = self._start + offset
        return bytes(self._data[begin : begin + count])

    def find(self, target: bytes) -> int:
        """Offset of the first ``target``, or -1."""
        if target != self._target:
            self._target, self._searched = target, 0
        found = self._data.find(target, self._start + self._searched)
        if found >= 0:
            self._searched = found - self._start
            return self._searched
        self._searched = max(0, len(self) - len(target) + 1)
        return -1

    def rfind(self, target: bytes) -> int:
        """Offset of the last ``target``, or -1."""
        found = self._data.rfind(target, self._start)
        return found - self._start if found >= 0 else -1

    def _advance(self, end: int) -> None:
        if end > self._start:
            self.resume = None
        self._searched = max(0, self._searched - (end - self._start))
        self._start = end
        if end == len(self._data):
            self._data = b""
            self._start = 0
        elif end >= _COMPACT and isinstance(self._data, bytearray):
            del self._data[:end]
            self._start = 0
