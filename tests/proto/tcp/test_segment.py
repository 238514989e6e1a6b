"""netwright.proto.tcp.segment."""

from hypothesis import given
from hypothesis import strategies as st

from netwright.proto.tcp.segment import (
    ACK,
    CE,
    ECT,
    FIN,
    SYN,
    Segment,
    SynOptions,
    flag_names,
    lift,
    nearest,
    seq_before,
    wrap,
)

numbers = st.integers(0, 2**40)


def test_altered_changes_what_it_is_told_and_nothing_else() -> None:
    segment = Segment(1, 2, SYN | ACK, 3, b"x", (4, 5), ((6, 7),), SynOptions(1460), ECT)
    assert segment.altered() == segment
    assert hash(segment.altered()) == hash(segment)
    assert segment.altered(ecn=CE) == Segment(1, 2, SYN | ACK, 3, b"x", (4, 5), ((6, 7),), SynOptions(1460), CE)
    assert segment.altered(flags=ACK) == Segment(1, 2, ACK, 3, b"x", (4, 5), ((6, 7),), SynOptions(1460), ECT)


def test_length_counts_syn_and_fin() -> None:
    """RFC 9293 §3.4: SYN and FIN take a sequence number each."""
    assert Segment(0, 0, SYN, 0).length == 1
    assert Segment(0, 0, ACK | FIN, 0, b"abc").length == 4


def test_size_counts_options_with_padding() -> None:
    """RFC 7323 appendix A: timestamps take 12 bytes; RFC 2018 §3: 8 a block; RFC 9293 §3.2: MSS takes 4."""
    assert Segment(0, 0, ACK, 0).size == 20
    assert Segment(0, 0, ACK, 0, b"x" * 10, timestamps=(1, 2)).size == 42
    assert Segment(0, 0, ACK, 0, sacks=((1, 2), (3, 4))).size == 40
    assert Segment(0, 0, SYN, 0, syn=SynOptions(1460, 7, True), timestamps=(1, 0)).size == 44


def test_seq_before_wraps_at_32_bits() -> None:
    """RFC 9293 §3.4: numbers compare modulo 2**32."""
    assert seq_before(2**32 - 1, 0)
    assert not seq_before(0, 2**32 - 1)
    assert not seq_before(5, 5)


@given(numbers, st.integers(-(2**31) + 1, 2**31 - 1))
def test_nearest_finds_every_number_less_than_half_the_space_away(known: int, distance: int) -> None:
    """RFC 9293 §3.4."""
    number = known + distance
    assert nearest(number % 2**32, known) == number


@given(numbers, numbers, numbers, numbers)
def test_lift_undoes_wrap(seq: int, ack: int, stamp: int, echo: int) -> None:
    segment = Segment(seq, ack, ACK, 1, b"x", (stamp, echo), ((ack + 10, ack + 20),))
    wire = wrap(segment)
    assert max(wire.seq, wire.ack, *wire.timestamps or ()) < 2**32
    assert lift(wire, seq=seq - 5, ack=ack - 5, stamp=stamp - 5, echo=echo + 5) == segment


def test_lift_gives_no_ack_without_the_flag() -> None:
    """RFC 9293 §3.1: the field means nothing without ACK."""
    assert lift(Segment(7, 99, SYN, 0), seq=7, ack=2**33, stamp=0, echo=0).ack == 0


def test_text_names_flags_range_and_blocks() -> None:
    assert str(Segment(5, 9, ACK, 3, b"ab", sacks=((11, 13),))) == "ACK 5:7(2) ack 9 win 3 sack 11:13"
    assert flag_names(0) == "-"
