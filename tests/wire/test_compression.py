import contextlib
import gzip
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import IncompleteError, ProtocolError, UsageError
from netwright.wire.compression import PIECE, decompressed
from tests.support import zstd

DATA = b"a capture " * 1000


def split(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstd.compress], ids=["plain", "gzip", "zstd"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000, 1 << 20])
def test_any_split_gives_the_stream_inside(compress: type[bytes], size: int) -> None:
    assert b"".join(decompressed(split(compress(DATA), size))) == DATA


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=4), st.integers(1, 40))
def test_members_and_frames_one_behind_the_other_are_one_stream(parts: list[bytes], size: int) -> None:
    """RFC 1952 §2.2, RFC 8878 §3.1."""
    for compress in (gzip.compress, zstd.compress):
        raw = b"".join(map(compress, parts))
        assert b"".join(decompressed(split(raw, size))) == b"".join(parts)


def test_zero_bytes_behind_gzip_are_padding() -> None:
    assert b"".join(decompressed([gzip.compress(DATA), bytes(512)])) == DATA


@pytest.mark.parametrize("size", [1, 2, 20, 1 << 20])
def test_zero_bytes_between_members_are_padding_whatever_the_split(size: int) -> None:
    """Behind them, too, only a member is allowed, and the fault is where it is."""
    padded = gzip.compress(DATA) + bytes(5)
    assert b"".join(decompressed(split(padded + gzip.compress(DATA), size))) == DATA * 2
    with pytest.raises(ProtocolError, match=f"byte {len(padded) + 1}:"):
        list(decompressed(split(padded + b"rubbish", size)))


@pytest.mark.long
@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress], ids=["gzip", "zstd"])
def test_a_bomb_comes_in_pieces(compress: type[bytes]) -> None:
    """64 MiB of zeros: no piece is larger than PIECE, whatever the input promises."""
    bomb = compress(bytes(64 << 20))
    assert len(bomb) < 100_000
    sizes = [len(piece) for piece in decompressed([bomb])]
    assert sum(sizes) == 64 << 20
    assert max(sizes) <= PIECE


def test_a_cut_gzip_stream_gives_its_beginning_then_says_so() -> None:
    raw = gzip.compress(DATA)
    pieces = decompressed([raw[:-9]])
    first = next(pieces)
    assert first
    assert DATA.startswith(first)
    with pytest.raises(IncompleteError, match="gzip stream cut at byte"):
        list(pieces)


def test_a_cut_zstd_stream_says_so() -> None:
    raw = zstd.compress(DATA)
    with pytest.raises(IncompleteError, match="zstd stream cut"):
        list(decompressed([raw[:-3]]))


def test_broken_streams_are_refused() -> None:
    raw = bytearray(gzip.compress(DATA))
    raw[-5] ^= 1
    with pytest.raises(ProtocolError, match="gzip malformed"):
        list(decompressed([bytes(raw)]))
    with pytest.raises(ProtocolError, match="zstd malformed"):
        list(decompressed([zstd.compress(DATA)[:5] + b"\xff" * 40]))
    with pytest.raises(ProtocolError, match="gzip malformed"):
        list(decompressed([gzip.compress(DATA) + b"rubbish"]))


def until_the_fault(raw: bytes, size: int) -> tuple[bytes, str]:
    pieces: list[bytes] = []
    broken = decompressed(split(raw, size))
    with pytest.raises(ProtocolError) as caught:
        pieces.extend(broken)
    return b"".join(pieces), str(caught.value)


@given(st.integers(0, 3000), st.integers(1, 255), st.integers(2, 5000))
def test_a_fault_gives_all_in_front_of_it_whatever_the_split(at: int, flip: int, size: int) -> None:
    raw = bytearray(gzip.compress(b"".join(number.to_bytes(2, "big") for number in range(2000)), mtime=0))
    raw[10 + at % (len(raw) - 18)] ^= flip
    assert until_the_fault(bytes(raw), size) == until_the_fault(bytes(raw), 1)


def test_without_zstd_the_caller_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    monkeypatch.setitem(sys.modules, "compression", None)
    with pytest.raises(UsageError, match="netwright\\[capture\\]"):
        list(decompressed([zstd.compress(DATA)]))


@given(st.binary(max_size=60))
def test_any_bytes_pass_or_blame_the_peer(data: bytes) -> None:
    for beginning in (b"", b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd", zlib.compress(b"")):
        with contextlib.suppress(ProtocolError):
            list(decompressed([beginning + data]))
