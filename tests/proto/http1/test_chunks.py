from hypothesis import given
from hypothesis import strategies as st

from netwright.proto.http1.chunks import pure_take_chunks, take_chunks


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=5), st.binary(max_size=5))
def test_chunks_that_are_whole_are_taken_and_what_follows_is_left(contents: list[bytes], rest: bytes) -> None:
    """RFC 9112 §7.1."""
    whole = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in contents)
    for take in (take_chunks, pure_take_chunks):
        assert take(b"--" + whole + b"0\r\n" + rest, 2, 1000) == (b"".join(contents), 2 + len(whole))


def test_chunk_that_is_not_plain_is_left() -> None:
    plain = b"1\r\nx\r\n"
    others = [
        b"0\r\n\r\n",
        b"01\r\ny\r\n",
        b"1;e\r\ny\r\n",
        b"2\r\ny\r\n",
        b"1\r\nyy\r\n",
        b"1\ny\r\n",
        b"g\r\n",
        b"100000000\r\n",
    ]
    for take in (take_chunks, pure_take_chunks):
        for other in others:
            assert take(plain + other, 0, 1000) == (b"x", len(plain)), other
            assert take(other, 0, 1000) == (b"", 0)


def test_content_over_the_room_is_left() -> None:
    for take in (take_chunks, pure_take_chunks):
        assert take(b"2\r\nab\r\n2\r\ncd\r\n", 0, 3) == (b"ab", 7)
        assert take(b"2\r\nab\r\n2\r\ncd\r\n", 0, 4) == (b"abcd", 14)
