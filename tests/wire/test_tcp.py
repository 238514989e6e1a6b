from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import IncompleteError, ProtocolError, UsageError
from netwright.wire.checksum import transport_checksum
from netwright.wire.tcp import Tcp, TcpFlag, parse_tcp

A, B = ip_address("192.0.2.1").packed, ip_address("192.0.2.2").packed
_U16, _U32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)

tcp_headers = st.builds(
    Tcp,
    _U16,
    _U16,
    _U32,
    _U32,
    st.integers(0, 0x1FF),
    _U16,
    _U16,
    _U16,
    st.integers(0, 10).flatmap(lambda words: st.binary(min_size=4 * words, max_size=4 * words)),
    st.integers(0, 7),
)


@given(tcp_headers, st.binary(max_size=9))
def test_tcp_round_trip(header: Tcp, around: bytes) -> None:
    """RFC 9293 §3.1: every field, at any offset."""
    raw = header.serialize()
    assert parse_tcp(around + raw + around, len(around)) == header
    assert header.header_length == len(raw)


def test_fields_of_a_syn() -> None:
    """RFC 9293 §3.1; the ninth control bit is RFC 9768 §2.1."""
    raw = bytes.fromhex("c0de 0050 01020304 00000000 6 1c2 7210 abcd 0000 020405b4".replace(" ", ""))
    header = parse_tcp(raw)
    assert header == Tcp(0xC0DE, 80, 0x01020304, 0, 0x1C2, 0x7210, 0xABCD, 0, b"\x02\x04\x05\xb4")
    assert header.flags == TcpFlag.SYN | TcpFlag.ECE | TcpFlag.CWR | TcpFlag.AE
    assert str(header) == "49374 > 80 SYN|ECE|CWR|AE seq=16909060 ack=0 win=29200"
    assert str(Tcp(1, 2)) == "1 > 2 no flags seq=0 ack=0 win=0"


def test_syn_and_fin_take_a_sequence_number_each() -> None:
    """RFC 9293 §3.4."""
    lengths = [Tcp(1, 2, flags=flags).sequence_length(10) for flags in (TcpFlag.ACK, TcpFlag.SYN, TcpFlag.FIN, 3)]
    assert lengths == [10, 11, 11, 12]


@given(tcp_headers, st.binary(max_size=50))
def test_sealed_makes_the_checksum_right(header: Tcp, payload: bytes) -> None:
    """RFC 9293 §3.1: over pseudo header, header and data."""
    sealed = header.sealed(payload, A, B)
    assert transport_checksum(A, B, 6, sealed.serialize() + payload) == 0


def test_parse_refuses_short_and_cut_headers() -> None:
    raw = Tcp(1, 2, options=bytes(8)).serialize()
    with pytest.raises(ProtocolError, match="TCP header of 16 bytes at byte 0"):
        parse_tcp(raw[:12] + b"\x40" + raw[13:])
    for have in range(28):
        with pytest.raises(IncompleteError, match=f"{have} of 2[08]"):
            parse_tcp(raw[:have])


@pytest.mark.parametrize(
    "header",
    [Tcp(1, 2, options=b"123"), Tcp(1, 2, options=bytes(44)), Tcp(65536, 2), Tcp(1, 2, flags=512), Tcp(1, 2, seq=-1)],
)
def test_serialize_refuses_what_the_header_cannot_hold(header: Tcp) -> None:
    with pytest.raises(UsageError):
        header.serialize()
