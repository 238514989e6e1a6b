import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import UsageError
from netwright.testing.drill.parse import UnsupportedError, parse
from netwright.testing.drill.values import Action, Call, Code, Names, Option, Packet, Shell, Time, When

HANDSHAKE = """\
// A server takes a connection.   `not a command`
--tolerance_usecs=75000
`sysctl -q net.ipv4.tcp_sack=1`
    0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
   +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0   // stays open
  +.1 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
   +0 > S. 0:0(0) ack 1 <...>
   +0~+0.2 < [ect0] P. 1:11(10) ack 1 win 257 urg 3
        <nop,nop,TS val 7 ecr 8, sack 5:6 7:8>
    * read(4, ..., 10) = -1 EAGAIN (Resource temporarily unavailable)
 +.5...0.6 accept(3, ..., ...) = 4
   +0 %{ assert tcpi_snd_cwnd == 10, "// no comment" }%
"""


def actions(text: str) -> list[Action]:
    return [event.action for event in parse(text).events]


def test_every_form_of_a_line_is_read() -> None:
    script = parse(HANDSHAKE)
    assert script.options == {"tolerance_usecs": "75000"}
    assert [event.line for event in script.events] == [3, 4, 5, 6, 7, 8, 10, 11, 12]
    shell, socket, fcntl, syn, syn_ack, data, read, accept, code = (event.action for event in script.events)
    assert shell == Shell("sysctl -q net.ipv4.tcp_sack=1")
    assert socket == Call("socket", (..., Names("SOCK_STREAM"), Names("IPPROTO_TCP")), 3)
    assert fcntl == Call("fcntl", (3, Names("F_SETFL"), Names("O_RDWR|O_NONBLOCK")), 0)
    assert isinstance(syn, Packet)
    assert (syn.inbound, syn.flags, syn.window, syn.ack) == (True, "S", 32792, None)
    assert syn.options == (
        Option("mss", (1000,), "1000"),
        Option("sackOK"),
        Option("nop"),
        Option("nop"),
        Option("nop"),
        Option("wscale", (7,), "7"),
    )
    assert isinstance(syn_ack, Packet)
    assert (syn_ack.inbound, syn_ack.options, syn_ack.ack) == (False, None, 1)
    assert isinstance(data, Packet)
    assert (data.ecn, data.seq, data.end, data.size, data.urgent) == ("ect0", 1, 11, 10, 3)
    assert data.options is not None
    assert [option.values for option in data.options] == [(), (), (7, 8), (5, 6, 7, 8)]
    assert read == Call("read", (4, ..., 10), -1, "EAGAIN")
    assert accept == Call("accept", (3, ..., ...), 4)
    assert code == Code(' assert tcpi_snd_cwnd == 10, "// no comment" ')


def test_time_in_front_is_absolute_relative_or_any() -> None:
    whens = [event.when for event in parse(HANDSHAKE).events]
    assert whens[1] == When(Time.ABSOLUTE, 0.0)
    assert whens[3] == When(Time.RELATIVE, 0.1)
    assert whens[5] == When(Time.RELATIVE, 0.0, 0.2)
    assert whens[6] == When(Time.ANY)
    assert whens[7] == When(Time.RELATIVE, 0.5, 0.6)


def test_structures_and_lists_are_arguments() -> None:
    text = "0 sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=0}, MSG_DONTWAIT) = 100\n"
    (call,) = actions(text)
    assert isinstance(call, Call)
    assert call.arguments[1] == {"msg_name(...)": ..., "msg_iov(1)": [[..., 100]], "msg_flags": 0}


def test_call_may_span_lines() -> None:
    (call,) = actions("0 connect(3, {sa_family = AF_INET,\n   sin_port = htons(80)}, ...) = ...\n")
    assert isinstance(call, Call)
    assert call.arguments[1] == {"sa_family": Names("AF_INET"), "sin_port": Names("htons(80)")}
    assert call.result is None


def test_code_keeps_its_lines_and_its_hashes() -> None:
    assert actions("+0 %{\nassert a # why\nassert b\n}%\n") == [Code("assert a # why\nassert b")]


@pytest.mark.parametrize(
    "packet", ["icmp unreachable frag_needed mtu 1200", "encap psp spi 7 P. 1:2(1) ack 1", "(ttl 3) S 0:0(0)"]
)
def test_packet_of_another_protocol_is_unsupported_and_quoted(packet: str) -> None:
    with pytest.raises(UnsupportedError, match="line 2"):
        parse(f"\n+0 < {packet}\n")


def test_line_of_another_language_is_named() -> None:
    with pytest.raises(UsageError, match="line 3: neither packet nor call: 'hello there'"):
        parse("\n\n+1 hello there\n")


@given(st.text(alphabet='+0.1~*<>%{}`()=[]|,.\n #/"SFRPack win-', max_size=80))
def test_garbage_is_a_script_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse(text)
