"""netwright.sim.info: an endpoint as struct tcp_info."""

from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import State
from netwright.sim.info import STATES, pack_info, tcp_info
from netwright.sim.link import Path
from netwright.wire.tcp_info import parse_tcp_info
from tests.support.stacks import LEFT, RIGHT, Wire, opened, stack_of, transfer
from tests.support.tcp_dialogue import established


def test_every_state_has_linuxs_number() -> None:
    """include/net/tcp_states.h: 1 to 11, in Linux's order."""
    assert sorted(STATES.values()) == list(range(1, 12))
    assert STATES.keys() == set(State)


def test_the_packed_structure_reads_back_as_what_the_endpoint_knows() -> None:
    """linux/tcp.h, judged by the parser that reads the kernel's own."""
    wire = Wire(stack_of(LEFT), stack_of(RIGHT, seed=2), Path(delay=0.025, loss=0.02))
    client, server, _ = opened(wire, "10.0.0.2")
    transfer(wire, client, server, bytes(400_000))
    info = parse_tcp_info(pack_info(client.endpoint, wire.now))
    sender = client.endpoint.sender
    assert (info.state, info.snd_cwnd, info.total_retrans) == (
        STATES[client.endpoint.state],
        sender.window.cwnd,
        sender.retransmissions,
    )
    assert sender.retransmissions > 0
    assert 0.05 <= info.rtt < 0.1
    assert (info.snd_wscale, info.rcv_wscale, info.options & 7) == (7, 7, 7)
    assert info.min_rtt is None  # what the model keeps in part only is not told
    assert tcp_info(client.endpoint, wire.now)["min_rtt"] >= 50_000


def test_the_scale_of_the_peers_window_is_in_the_low_bits() -> None:
    """linux/tcp.h: ``__u8 tcpi_snd_wscale : 4, tcpi_rcv_wscale : 4``, the seventh byte."""
    talk = established(Settings(window_scale=7), "S. 0:0 ack 1 win 65535 mss 1000 scale 2")
    assert pack_info(talk.endpoint, talk.now)[6] == 0x72
