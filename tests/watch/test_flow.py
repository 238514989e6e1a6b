import json

import pytest

from netwright.core.address import InetAddress
from netwright.watch.engine import Engine as PureEngine
from netwright.watch.flow import Flow, Position, State, flow_of
from netwright.watch.verdicts import NAMES, Mode
from tests.support.frames import ACK, FIN, RAW, RST, SYN
from tests.support.talk import Talk


def _flow(talk: Talk, mode: Mode = "exact") -> Flow:
    engine = PureEngine(mode)
    for at, frame in talk.frames:
        engine.add(frame, at, link=RAW)
    (row,) = engine.rows()
    return flow_of(row, NAMES[mode])


def _syn() -> Talk:
    return Talk().client(0, -1, flags=SYN)


@pytest.mark.parametrize("mode", NAMES)
@pytest.mark.parametrize(
    ("talk", "state"),
    [
        (_syn().client(1000, -1, flags=SYN), State.UNANSWERED),
        (_syn().server(20, -1, 0, flags=RST), State.REFUSED),
        (_syn().server(20, -1, 0, flags=SYN | ACK), State.HALF_OPEN),
        (Talk().handshake(), State.OPEN),
        (Talk().client(0, 0, 0, 9), State.OPEN),
        (Talk().handshake().client(30, 0, 0, flags=FIN), State.HALF_CLOSED),
        (Talk().handshake().client(30, 0, 0, flags=FIN).server(50, 0, 1, flags=FIN), State.CLOSED),
        (Talk().handshake().client(30, 0, 0, flags=RST), State.RESET),
        (Talk().handshake().server(30, 0, 0, flags=RST), State.RESET),
    ],
)
def test_state_is_how_far_the_connection_came(talk: Talk, state: State, mode: Mode) -> None:
    """RFC 9293 §3.3.2."""
    assert _flow(talk, mode).state is state


def test_retransmissions_are_counted_whatever_the_mode_calls_them() -> None:
    talk = Talk().handshake().client(100, 0, 0, 10).server(120, 0, 10).client(400, 0, 0, 10)
    assert _flow(talk, "wireshark").forward.counts == {"spurious_retransmission": 1}
    assert [_flow(talk, mode).retransmissions for mode in NAMES] == [1, 1]


@pytest.mark.parametrize("times", [(0, 20, 10), (50, 20, 10)])
def test_time_that_goes_backwards_gives_no_negative_duration(times: tuple[int, int, int]) -> None:
    talk = Talk()
    for at in times:
        talk.client(at, 0, 0, 9)
    flow = _flow(talk)
    assert flow.started_at == times[0] / 1e3
    assert flow.duration == (max(times) - times[0]) / 1e3


@pytest.mark.parametrize(
    ("synack", "ack", "position"),
    [
        (20, 20.01, Position.CLIENT),
        (0.01, 20, Position.SERVER),
        (10, 20, Position.MIDDLE),
        (0.05, 0.1, Position.BOTH),
    ],
)
def test_position_is_where_answers_come_at_once(synack: float, ack: float, position: Position) -> None:
    flow = _flow(Talk().handshake(synack=synack, ack=ack))
    assert flow.position is position
    assert flow.handshake == pytest.approx((synack / 1e3, (ack - synack) / 1e3))
    assert flow.initial_rtt == pytest.approx(ack / 1e3)


def test_position_is_unknown_without_a_whole_handshake() -> None:
    assert _flow(Talk().client(0, 0, 0, 9)).position is Position.UNKNOWN


def test_client_sent_the_syn_or_has_the_higher_port() -> None:
    ends = InetAddress("10.0.0.1", 40000), InetAddress("10.0.0.2", 80)
    known, guessed = _flow(_syn()), _flow(Talk().server(0, 0, 0, 9))
    assert (known.client, known.server, known.guessed) == (*ends, False)
    assert (guessed.client, guessed.server, guessed.guessed) == (*ends, True)


def test_directions_have_their_own_counts_and_round_trips() -> None:
    talk = Talk().handshake().client(30, 0, 0, 100).server(50, 0, 100, 30).client(50.01, 100, 30)
    flow = _flow(talk.client(60, 100, 30, 7).client(160, 100, 30, 7))
    assert (flow.forward.packets, flow.forward.data_packets, flow.forward.data, flow.forward.again) == (6, 3, 114, 7)
    assert (flow.backward.packets, flow.backward.data, flow.retransmissions) == (2, 30, 1)
    assert flow.forward.rtt == pytest.approx((0.02, 0.02))
    assert flow.backward.rtt == pytest.approx((0.00001, 0.00001))
    assert flow.forward.counts == {"retransmission": 1, "tail_loss_probe": 1}
    assert "10.0.0.1:40000 10.0.0.2:80 open out=114 in=30 again=1" in repr(flow)


def test_what_the_sender_numbered_and_nobody_saw_is_counted() -> None:
    """RFC 6864: a lower bound of the loss before the capture."""
    talk = Talk().handshake(synack=0.01, ack=20).client(30, 0, 0, 9).client(31, 18, 0, 9, ident=106)
    assert _flow(talk).forward.unseen == 2
    assert _flow(talk.client(31.1, 9, 0, 9, ident=105)).forward.unseen == 1


def test_one_direction_alone_is_named_once_there_is_enough_of_it() -> None:
    talk = Talk()
    for index in range(9):
        talk.client(index, 100 * index, 10 * index, 100)
    assert not _flow(talk).one_way
    assert _flow(talk.client(9, 900, 90, 100)).one_way
    assert not _flow(talk.server(10, 0, 1000)).one_way


def test_as_dict_is_json() -> None:
    values = json.loads(json.dumps(_flow(Talk().handshake()).as_dict()))
    assert values["client"] == "10.0.0.1:40000"
    assert values["position"] == "client"
