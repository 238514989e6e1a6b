"""Sources of ``send_file``: a regular file that is open for reading, or bytes in memory."""

import io
import os
import stat
from typing import Any, NamedTuple

from netwright.core.errors import UsageError
from netwright.proto.stream import READ

__all__ = ["Source", "source_of"]


class Source(NamedTuple):
    """``size`` bytes from ``offset`` of ``descriptor``, or ``data`` if that is not None."""

    descriptor: int
    offset: int
    size: int
    data: memoryview | None = None

    def read(self, done: int) -> bytes | memoryview:
        """Return the next chunk after the first ``done`` bytes; b"" at an end that came early."""
        if self.data is not None:
            return self.data
        return os.pread(self.descriptor, min(READ, self.size - done), self.offset + done)


def source_of(file: Any, offset: int, count: int | None) -> Source:
    """Return what to send.

    Raises:
        UsageError: it cannot be sent: nothing was.
    """
    for name, value in (("offset", offset), ("count", count)):
        if (not isinstance(value, int) or value < 0) and (name, value) != ("count", None):
            raise UsageError(f"send_file {name}={value!r}, 0 or more allowed")
    if isinstance(file, io.BytesIO):
        if file.closed:
            raise UsageError(f"send_file of a closed file: {file!r}")
        data = file.getbuffer()[offset:]
        data = data if count is None else data[:count]
        return Source(-1, offset, len(data), data)
    try:
        descriptor = file.fileno()
        status = os.fstat(descriptor)
        readable = file.readable()
    except (AttributeError, OSError, ValueError) as error:  # no file, no descriptor, or a closed one
        raise UsageError(f"send_file of {file!r}: {error}", advice="pass an open regular file or a BytesIO") from error
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"send_file of {file!r}: not a regular file", advice="read it and send what was read")
    if not readable:
        raise UsageError(f"send_file of {file!r}: not open for reading")
    rest = max(status.st_size - offset, 0)
    return Source(descriptor, offset, rest if count is None else min(count, rest))
