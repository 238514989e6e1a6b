"""The native reader of plain chunks and its specification agree on sound chunks, on mutated ones and on garbage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright._native import kernels
from netwright.proto.http1.chunks import pure_take_chunks, take_chunks

pytestmark = pytest.mark.skipif(not kernels()["netwright.proto.http1._chunks"], reason="kernel not built")
chunks = st.builds(
    lambda size, content, end: size + b"\r\n" + content + end,
    st.sampled_from(
        [b"1", b"2", b"a", b"F", b"10", b"0", b"01", b"ffffffff", b"100000000", b"", b"1;a", b"g", b"/", b":"]
    ),
    st.binary(max_size=17),
    st.sampled_from([b"\r\n"] * 6 + [b"\n", b"\r", b""]),
)
sound = st.binary(min_size=1, max_size=17).map(lambda content: b"%x\r\n%b\r\n" % (len(content), content))


@given(st.lists(st.one_of(sound, sound, chunks), max_size=8).map(b"".join), st.integers(0, 20), st.integers(0, 60))
def test_chunks_give_equal_results(data: bytes, at: int, room: int) -> None:
    assert take_chunks is not pure_take_chunks
    assert take_chunks(data, at, room) == pure_take_chunks(data, at, room)


@given(st.binary(max_size=40))
def test_garbage_gives_equal_results(data: bytes) -> None:
    assert take_chunks(data, 0, 1000) == pure_take_chunks(data, 0, 1000)


@pytest.mark.parametrize("byte", range(256))
def test_every_byte_is_the_same_digit(byte: int) -> None:
    data = bytes([byte]) + b"\r\n" + b"x" * 15 + b"\r\n"
    for size in range(16):
        whole = bytes([byte]) + b"\r\n" + b"x" * size + b"\r\n"
        assert take_chunks(whole, 0, 99) == pure_take_chunks(whole, 0, 99)
    assert take_chunks(data, 0, 99) == pure_take_chunks(data, 0, 99)
