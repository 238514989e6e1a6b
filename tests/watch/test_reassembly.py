import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.watch.reassembly import SLOTS, Reassembly
from netwright.watch.segment import Fragment, Segment, decode
from tests.support.frames import RAW, ip, tcp

WHOLE = tcp(data=bytes(range(200)), ident=9)


def _pieces(packet: bytes, size: int, ident: int = 9) -> list[Fragment]:
    body, found = packet[20:], []
    for at in range(0, len(body), size):
        more = 0x2000 if at + size < len(body) else 0
        piece = decode(
            ip("10.0.0.1", "10.0.0.2", 6, body[at : at + size], ident=ident, fragment=more | at // 8), 0, RAW
        )
        assert isinstance(piece, Fragment)
        found.append(piece)
    return found


@given(st.permutations(range(5)))
def test_datagram_is_whole_with_its_last_piece_in_any_order(order: list[int]) -> None:
    """RFC 791 §3.2."""
    pieces, reassembly = _pieces(WHOLE, 48), Reassembly()
    results = [reassembly.add(pieces[index]) for index in order]
    assert results[:-1] == [None] * 4
    packet = results[-1]
    assert packet is not None
    segment = decode(packet, len(packet), RAW)
    assert isinstance(segment, Segment)
    assert segment.length == 200
    assert packet[20:] == WHOLE[20:]


def test_what_came_first_stays_where_pieces_overlap() -> None:
    reassembly, (first, second) = Reassembly(), _pieces(WHOLE, 112)
    assert reassembly.add(first) is None
    first.payload = bytes(len(first.payload))
    assert reassembly.add(first) is None
    packet = reassembly.add(second)
    assert packet is not None
    assert packet[20:] == WHOLE[20:]


def test_data_beyond_the_end_does_not_stand_for_a_missing_piece() -> None:
    """Three pieces came, the datagram has three, and the middle one is missing."""
    reassembly, pieces = Reassembly(), _pieces(WHOLE, 80)
    first, middle, last = pieces[:3]
    beyond = _pieces(WHOLE, 80)[1]
    beyond.offset = 800
    assert [reassembly.add(piece) for piece in (first, beyond, last)] == [None] * 3
    packet = reassembly.add(middle)
    assert packet is not None
    assert packet[20:] == WHOLE[20:]


def test_oldest_unfinished_datagram_gives_way_to_a_new_one() -> None:
    reassembly = Reassembly()
    for ident in range(SLOTS + 1):
        assert reassembly.add(_pieces(WHOLE, 112, ident + 1)[0]) is None
    assert reassembly.add(_pieces(WHOLE, 112, 1)[1]) is None
    assert reassembly.add(_pieces(WHOLE, 112, SLOTS)[1]) is not None


def test_identification_that_comes_again_is_another_datagram() -> None:
    """RFC 791 §3.2: a sender may use an identification again once the datagram that had it is whole."""
    reassembly, other = Reassembly(), tcp(data=bytes(reversed(range(200))), ident=9)
    for whole in (WHOLE, other):
        first, second = _pieces(whole, 112)
        assert reassembly.add(first) is None
        packet = reassembly.add(second)
        assert packet is not None
        assert packet[20:] == whole[20:]


def test_piece_that_is_cut_is_dropped() -> None:
    reassembly, piece = Reassembly(), _pieces(WHOLE, 112)[0]
    piece.payload = piece.payload[:-1]
    assert reassembly.add(piece) is None


@pytest.mark.parametrize("total", range(65_526, 65_538))
def test_datagram_has_up_to_65535_bytes(total: int) -> None:
    """RFC 8200 §3: the payload length has 16 bits; a last piece at 65,528 has up to 7 bytes."""
    reassembly, last = Reassembly(), total // 8 * 8 if total % 8 else total - 8
    first, second = _pieces(WHOLE, 112)
    first.payload = bytes(range(251)) * (last // 251) + bytes(last % 251)
    first.length, first.offset = last, 0
    second.offset, second.length, second.payload = last, total - last, b"\xee" * (total - last)
    assert reassembly.add(first) is None
    packet = reassembly.add(second)
    if total > 65_535:
        assert packet is None
        return
    assert packet is not None
    assert packet[20:] == first.payload + second.payload


@pytest.mark.parametrize("length", [1, 7, 8, 9, 15, 16])
def test_only_the_last_piece_may_end_within_eight_bytes(length: int) -> None:
    """RFC 8200 §4.5: each but the last is a multiple of 8 bytes."""
    reassembly, (first, second) = Reassembly(), _pieces(WHOLE, 112)
    second.more, second.length, second.payload = True, length, second.payload[:length]
    assert reassembly.add(first) is reassembly.add(second) is None
    second.more, second.offset, second.length, second.payload = False, 112 + (length + 7) // 8 * 8, 3, b"end"
    assert (reassembly.add(second) is not None) == (length % 8 == 0)


def test_ipv6_datagram_is_reassembled() -> None:
    """RFC 8200 §4.5."""
    whole = tcp("[::1]:1", "[::2]:2", data=bytes(range(64)))
    reassembly, packet = Reassembly(), None
    for at, more in ((0, 1), (40, 0)):
        head = bytes((6, 0)) + (at | more).to_bytes(2, "big") + b"\0\0\0\7"
        body = whole[40:][at : at + 40] if more else whole[40:][at:]
        piece = decode(ip("[::1]", "[::2]", 44, head + body), 0, RAW)
        assert isinstance(piece, Fragment)
        packet = reassembly.add(piece)
    assert packet is not None
    segment = decode(packet, len(packet), RAW)
    assert isinstance(segment, Segment)
    assert segment.length == 64
