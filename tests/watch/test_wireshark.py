"""Each rule of Wireshark 4.0 on a connection written by hand; the corpus in test_engine.py is the judge."""

from struct import unpack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.watch.engine import Engine as PureEngine
from netwright.watch.verdicts import WIRESHARK
from netwright.watch.wireshark import UNACKED, before
from tests.support.frames import RAW, SYN, syn_options
from tests.support.talk import Talk


def _sent(count: int = 3) -> Talk:
    talk = Talk().handshake()
    for index in range(count):
        talk.client(30 + index, 100 * index, 0, 100)
    return talk


CASES: dict[str, Talk] = {
    "retransmission": _sent().client(80, 0, 0, 100),
    "fast_retransmission": _sent().server(50, 0, 100, 0).server(51, 0, 100).server(52, 0, 100).client(53, 100, 0, 100),
    "spurious_retransmission": _sent().server(50, 0, 300).client(90, 0, 0, 100),
    "out_of_order": _sent().client(33, 0, 0, 100),
    "lost_segment": _sent().client(33, 400, 0, 100),
    "ack_lost_segment": _sent().server(33, 0, 900),
    "duplicate_ack": _sent().server(50, 0, 100).server(51, 0, 100),
    "zero_window": _sent().server(50, 0, 100, window=0),
    "window_full": Talk().handshake().server(30, 0, 0, window=100).client(31, 0, 0, 100),
    "window_update": _sent().server(50, 0, 100).server(51, 0, 100, window=999),
    "keep_alive": _sent().client(9000, 299, 0, 1),
    "keep_alive_ack": _sent().server(50, 0, 300).client(9000, 299, 0).server(9001, 0, 300),
    "zero_window_probe": _sent().server(50, 0, 300, window=0).client(300, 300, 0, 1),
    "zero_window_probe_ack": _sent().server(50, 0, 300, window=0).client(300, 300, 0, 1).server(301, 0, 300, window=0),
    "reused_ports": Talk().handshake().client(90_000, 7_000_000, flags=SYN),
}


@pytest.mark.parametrize("name", WIRESHARK)
def test_rule_names_its_segment(name: str) -> None:
    extra = {"zero_window"} if name == "zero_window_probe_ack" else set()
    assert CASES[name].last("wireshark") == {name} | extra


def test_reordering_is_believed_within_the_first_round_trip_only() -> None:
    assert _sent().client(32 + 20.0, 0, 0, 100).last("wireshark") == {"out_of_order"}
    assert _sent().client(32 + 20.1, 0, 0, 100).last("wireshark") == {"retransmission"}


def test_acknowledgment_of_unseen_data_counts_as_many_duplicates() -> None:
    talk = Talk().handshake().client(40, 0, 0, 100).server(50, 0, 200, 100).server(51, 100, 200, 100)
    talk.server(52, 0, 200, 100)
    assert talk.last("wireshark") == {"fast_retransmission"}


def test_time_that_runs_backwards_makes_nothing_fast() -> None:
    talk = _sent().server(60, 0, 100).server(61, 0, 100).server(62, 0, 100)
    assert talk.client(61, 100, 0, 100).last("wireshark") == {"retransmission"}


def test_syn_ack_with_another_number_is_marked_in_the_same_flow() -> None:
    talk = Talk().handshake().server(25, 900, 0, flags=SYN, options=syn_options())
    assert "reused_ports" in talk.last("wireshark")


def test_round_trip_is_from_the_segment_that_the_ack_ends() -> None:
    engine = PureEngine("wireshark", columns=True)
    for at, frame in _sent().server(55, 0, 200).frames:
        engine.add(frame, at, link=RAW)
    assert unpack("q", engine.take_columns()[2]) == (24_000_000,)


def test_segments_that_wait_are_bounded() -> None:
    talk = _sent(UNACKED + 10)
    engine = PureEngine("wireshark", columns=True)
    for at, frame in talk.server(60_000, 0, 100 * (UNACKED + 10)).frames:
        engine.add(frame, at, link=RAW)
    assert unpack("q", engine.take_columns()[2]) == (-1,)


@given(st.integers(0, 2**32 - 1), st.integers(1, 2**31 - 1))
def test_before_is_the_order_modulo_2_to_32(a: int, ahead: int) -> None:
    """RFC 9293 §3.4."""
    b = (a + ahead) % 2**32
    assert before(a, b)
    assert not before(b, a)
    assert not before(a, a)
