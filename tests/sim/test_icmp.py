"""netwright.sim.icmp: what a host says and hears beside TCP; the stack's tests have the rest."""

import pytest

from netwright.sim.codec import Flow
from netwright.sim.icmp import IcmpError, echo_reply, icmp_error_of, port_unreachable, protocol_unreachable
from netwright.wire.build import build
from netwright.wire.decode import decode_ip
from netwright.wire.icmp import Icmp, Icmp6, Icmp6Kind, IcmpKind
from netwright.wire.ip import IPv4
from netwright.wire.ip6 import IPv6
from netwright.wire.tcp import Tcp
from netwright.wire.udp import Udp

US, THEM, ROUTER = b"\x0a\0\0\1", b"\x0a\0\0\2", b"\x0a\0\0\x63"
SENT = build(IPv4(US, THEM, 6), Tcp(40000, 80, 77), b"data")


def about(message: Icmp, quote: bytes) -> IcmpError | None:
    return icmp_error_of(decode_ip(build(IPv4(ROUTER, US, 1), message, quote)))


@pytest.mark.parametrize("quote", [SENT, SENT[:28]], ids=["whole", "8 bytes of TCP"])
def test_an_error_names_flow_number_and_size(quote: bytes) -> None:
    """RFC 792: a quote has at least 8 bytes behind the IP header; RFC 1191 §4."""
    assert about(Icmp(IcmpKind.UNREACHABLE, 4, (1300).to_bytes(4, "big")), quote) == IcmpError(
        Flow(US, 40000, THEM, 80), 77, 1300, "ICMP 3.4, MTU 1300"
    )


@pytest.mark.parametrize(("said", "taken"), [(0, 576), (20, 68)])
def test_an_impossible_size_is_not_believed(said: int, taken: int) -> None:
    """RFC 1191 §5, old routers say 0; RFC 791 §3.2, 68 always pass."""
    error = about(Icmp(IcmpKind.UNREACHABLE, 4, said.to_bytes(4, "big")), SENT)
    assert error is not None
    assert error.mtu == taken


def test_another_error_has_no_size() -> None:
    error = about(Icmp(IcmpKind.UNREACHABLE, 1), SENT)
    assert error is not None
    assert (error.mtu, error.text) == (None, "ICMP 3.1")


@pytest.mark.parametrize(
    ("message", "quote"),
    [
        (Icmp(IcmpKind.ECHO), SENT),
        (Icmp(IcmpKind.UNREACHABLE, 3), SENT[:24]),
        (Icmp(IcmpKind.UNREACHABLE, 3), b"\x45"),
        (Icmp(IcmpKind.UNREACHABLE, 3), build(IPv4(US, THEM, 17), Udp(1, 2), b"data")),
        (Icmp(IcmpKind.UNREACHABLE, 3), build(IPv4(US, THEM, 6, flags=0, fragment_offset=8), b"12345678")),
    ],
)
def test_what_is_not_about_a_segment_of_ours_is_none(message: Icmp, quote: bytes) -> None:
    assert about(message, quote) is None


def test_only_echo_requests_have_a_reply() -> None:
    """RFC 1122 §3.2.2.6, RFC 4443 §4.2; a reply to a reply would never end."""
    assert echo_reply(IPv4(THEM, US, 1), Icmp(IcmpKind.ECHO_REPLY), b"") is None
    assert echo_reply(IPv6(bytes(16), bytes(16), 58), Icmp6(Icmp6Kind.ECHO_REPLY), b"") is None


def test_errors_are_no_longer_than_allowed() -> None:
    """RFC 1812 §4.3.2.3: 576 bytes; RFC 4443 §2.4 (c): 1280."""
    assert len(port_unreachable(IPv4(THEM, US, 17), bytes(2000))) == 576
    assert len(protocol_unreachable(IPv6(bytes(16), bytes(16), 17), bytes(2000))) == 1280
