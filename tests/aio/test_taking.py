"""netwright.aio.taking: whole results from a buffer, or nothing and the buffer as it was."""

import pytest

from netwright.aio.taking import take_delimited, take_frames, take_lines, take_rest
from netwright.core.buffer import ReceiveBuffer
from netwright.core.errors import LimitError, ProtocolError
from netwright.proto.framing import Delimited, LengthPrefixed
from tests.support.limits import around


def filled(data: bytes) -> ReceiveBuffer:
    buffer = ReceiveBuffer()
    buffer.append(data)
    return buffer


def test_lines_before_a_long_one_come_first() -> None:
    buffer = filled(b"a\r\nb\n" + b"x" * 10 + b"\nc\nrest")
    assert take_lines(buffer, 10) == [b"a", b"b"]
    with pytest.raises(LimitError, match="line: 11 bytes seen, 10 allowed"):
        take_lines(buffer, 10)
    assert take_lines(buffer, 11) == [b"x" * 10, b"c"]
    assert take_lines(buffer, 11) is None
    assert (take_rest(buffer), take_rest(buffer)) == ([b"rest"], [])


@pytest.mark.parametrize("size", around(10))
@pytest.mark.parametrize("usual", [b"", b"a\n"])
def test_a_line_end_counts_for_the_limit(usual: bytes, size: int) -> None:
    """A line of the limit's size, its end included, is taken; also behind a short one, and as the first of several."""
    buffer = filled(usual + b"x" * (size - 1) + b"\n" + b"b\n")
    if usual:
        assert take_lines(buffer, 10) == ([b"a"] if size > 10 else [b"a", b"x" * (size - 1), b"b"])
    elif size <= 10:
        assert take_lines(buffer, 10) == [b"x" * (size - 1), b"b"]
    if size > 10:
        with pytest.raises(LimitError, match="line: 11 bytes seen, 10 allowed"):
            take_lines(buffer, 10)


@pytest.mark.parametrize("size", around(10))
def test_a_line_alone_is_bounded_too(size: int) -> None:
    buffer = filled(b"x" * (size - 1) + b"\n")
    if size <= 10:
        assert take_lines(buffer, 10) == [b"x" * (size - 1)]
    else:
        with pytest.raises(LimitError, match="line: 11 bytes seen, 10 allowed"):
            take_lines(buffer, 10)


def test_a_fault_behind_good_frames_is_the_next_calls() -> None:
    buffer = filled(b"\x02\x01a\x02")
    framing = LengthPrefixed(1, includes_header=True)
    assert take_frames(filled(b"\x02a\x03bc\x02"), framing) == [b"a", b"bc"]
    assert take_frames(buffer, framing) == [b"\x01"]
    buffer = filled(b"\x02a\x00")
    assert take_frames(buffer, framing) == [b"a"]
    with pytest.raises(ProtocolError):
        take_frames(buffer, framing)
    assert take_frames(filled(b"half"), Delimited(b";")) is None


def test_a_delimiter_counts_for_the_limit() -> None:
    buffer = filled(b"0123;")
    with pytest.raises(LimitError, match="limit: 5 bytes seen, 4 allowed"):
        take_delimited(buffer, b";", 4)
    assert take_delimited(buffer, b";", 5) == b"0123;"
