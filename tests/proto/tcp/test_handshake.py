"""netwright.proto.tcp.handshake."""

import pytest

from netwright.proto.tcp.handshake import agree, answer_options, ecn_flags, is_opening, offer, refusal
from netwright.proto.tcp.policy import Policy
from netwright.proto.tcp.segment import ACK, CWR, ECE, FIN, RST, SYN, Segment, SynOptions
from netwright.proto.tcp.settings import Settings


def syn(flags: int = SYN, options: SynOptions | None = None, *, stamps: bool = False) -> Segment:
    return Segment(0, 0, flags, 65535, syn=options, timestamps=(1, 0) if stamps else None)


def test_agree_takes_536_without_mss_option() -> None:
    """RFC 9293 §3.7.1 (MUST-15)."""
    assert agree(Settings(), syn()).mss == 536


def test_agree_takes_the_smaller_mss_less_timestamps() -> None:
    """RFC 9293 §3.7.1, RFC 7323 appendix A, RFC 6691 §2."""
    assert agree(Settings(), syn(options=SynOptions(1000))).mss == 1000
    assert agree(Settings(mss=900), syn(options=SynOptions(1000), stamps=True)).mss == 888


def test_agree_takes_a_tiny_mss_for_64() -> None:
    """RFC 9293 §3.7.1: an MSS of 1 would make a packet of each byte."""
    assert agree(Settings(), syn(options=SynOptions(1))).mss == 64


@pytest.mark.parametrize(("ours", "theirs", "scales"), [(7, 9, (9, 7)), (7, None, (0, 0)), (None, 9, (0, 0))])
def test_scales_hold_only_if_both_sent_one(ours: int | None, theirs: int | None, scales: tuple[int, int]) -> None:
    """RFC 7323 §2.2."""
    agreement = agree(Settings(window_scale=ours), syn(options=SynOptions(1000, theirs)))
    assert (agreement.send_scale, agreement.receive_scale) == scales


@pytest.mark.parametrize("scale", range(256))
def test_a_scale_over_14_is_taken_for_14(scale: int) -> None:
    """RFC 7323 §2.3: the whole range of the byte."""
    assert agree(Settings(), syn(options=SynOptions(1000, scale))).send_scale == min(scale, 14)


@pytest.mark.parametrize(
    ("mss", "used"), [(0, 64), (63, 64), (64, 64), (65, 65), (1460, 1460), (1461, 1460), (65535, 1460)]
)
def test_the_mss_is_bounded_on_both_sides(mss: int, used: int) -> None:
    """RFC 9293 §3.7.1."""
    assert agree(Settings(), syn(options=SynOptions(mss))).mss == used


def test_answer_has_only_what_was_asked() -> None:
    """RFC 7323 §2.2, RFC 2018 §2."""
    settings, asked = Settings(), SynOptions(1000)
    assert answer_options(settings, agree(settings, syn(options=asked)), asked) == SynOptions(1460)
    assert offer(settings) == SynOptions(1460, 7, True)


@pytest.mark.parametrize(
    ("ecn", "flags", "agreed"),
    [
        ("ask", SYN | ACK | ECE, True),
        ("ask", SYN | ACK | ECE | CWR, False),  # a broken peer reflects the flags
        ("ask", SYN | ACK, False),
        ("accept", SYN | ECE | CWR, True),
        ("accept", SYN | ACK | ECE, False),  # we did not ask
        ("off", SYN | ECE | CWR, False),
    ],
)
def test_ecn_needs_the_right_flags_on_both_syns(ecn: str, flags: int, agreed: bool) -> None:
    """RFC 3168 §6.1.1."""
    assert agree(Settings(ecn=ecn), syn(flags)).ecn is agreed
    assert bool(ecn_flags(Settings(ecn=ecn))) is (ecn == "ask")


def test_refusal_is_a_rst_that_fits_the_segment() -> None:
    """RFC 9293 §3.10.7.1: with ACK its number, without ACK one after the segment; never for a RST."""
    assert refusal(Segment(5, 9, ACK, 0)) == Segment(9, 0, RST, 0)
    assert refusal(Segment(5, 0, SYN | FIN, 0, b"abc")) == Segment(0, 10, RST | ACK, 0)
    assert refusal(Segment(5, 9, RST | ACK, 0)) is None


def test_only_a_bare_syn_opens() -> None:
    """RFC 9293 §3.10.7.2."""
    assert is_opening(syn())
    assert is_opening(syn(SYN | ECE | CWR))
    assert not any(is_opening(syn(flags)) for flags in (SYN | ACK, SYN | RST, SYN | FIN, ACK))


def test_syn_with_fin_opens_only_where_the_policy_lets_it() -> None:
    """RFC 9293 §3.10.7.2 has no rule for it; Linux drops it, BSD takes it for a SYN."""
    assert not is_opening(syn(SYN | FIN))
    assert is_opening(syn(SYN | FIN), Policy(drop_syn_fin=False))
    assert not is_opening(syn(SYN | FIN | RST), Policy(drop_syn_fin=False))
