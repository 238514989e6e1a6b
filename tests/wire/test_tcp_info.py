import socket
import struct
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import ProtocolError
from netwright.wire.tcp_info import FIELDS, CaState, TcpInfo, TcpInfoOption, TcpState, Unit, parse_tcp_info
from tests.support.btf import members

WHOLE = struct.Struct("=" + "".join(field.code for field in FIELDS))


def test_the_table_is_the_class() -> None:
    """One name each, in one order; the structure of Linux 6.18 has 280 bytes."""
    assert [field.name for field in FIELDS] == [field.name for field in fields(TcpInfo)]
    assert WHOLE.size == 280


@pytest.mark.real
def test_offsets_are_the_running_kernels() -> None:
    """Judge: the kernel's own type description.  Bit fields are here under the name of their byte."""
    kernel = members("tcp_info")
    packed = {
        "window_scales": "tcpi_snd_wscale",
        "delivery_flags": "tcpi_delivery_rate_app_limited",
    }
    known = [field for field in FIELDS if packed.get(field.name, "tcpi_" + field.name) in kernel]
    assert len(known) >= 54  # Linux 5.4
    for field in known:
        assert kernel[packed.get(field.name, "tcpi_" + field.name)] == field.offset, field.name
    missing = set(FIELDS) - set(known)
    assert not missing or min(field.offset for field in missing) > max(field.offset for field in known)


@given(st.binary(min_size=280, max_size=300), st.integers(104, 300))
def test_any_length_gives_what_it_holds(data: bytes, size: int) -> None:
    info = parse_tcp_info(data[:size])
    values = WHOLE.unpack_from(data)
    for field, value in zip(FIELDS, values, strict=True):
        got = getattr(info, field.name)
        if field.offset + struct.calcsize(field.code) > size:
            assert got is None
        elif field.unit in (Unit.MICROSECONDS, Unit.MILLISECONDS):
            assert got == pytest.approx(value / (1e6 if field.unit == Unit.MICROSECONDS else 1e3))
        else:
            assert got == value
    assert set(info.as_dict()) == {field.name for field in FIELDS if getattr(info, field.name) is not None}


# linux/tcp.h and tcp_get_info() in net/ipv4/tcp.c: jiffies are given in ms or converted to µs.
MICROSECONDS = "rto ato rtt rttvar rcv_rtt min_rtt busy_time rwnd_limited sndbuf_limited"
MILLISECONDS = "last_data_sent last_ack_sent last_data_recv last_ack_recv total_rto_time"


@pytest.mark.parametrize(("names", "unit"), [(MICROSECONDS, 1e-6), (MILLISECONDS, 1e-3)])
def test_times_are_in_seconds(names: str, unit: float) -> None:
    """Each time alone is 5 units, all else 0."""
    for name in names.split():
        place = next(index for index, field in enumerate(FIELDS) if field.name == name)
        info = parse_tcp_info(WHOLE.pack(*[5 * (index == place) for index in range(len(FIELDS))]))
        assert getattr(info, name) == pytest.approx(5 * unit)
        assert sum(value != 0 for value in info.as_dict().values()) == 1


def test_no_other_field_is_a_time() -> None:
    info = parse_tcp_info(WHOLE.pack(*[1] * len(FIELDS)))
    times = {name for name, value in info.as_dict().items() if value != 1}
    assert times == {*MICROSECONDS.split(), *MILLISECONDS.split()}


@pytest.mark.parametrize("size", [0, 1, 103])
def test_a_shorter_structure_is_refused(size: int) -> None:
    with pytest.raises(ProtocolError, match=f"tcp_info of {size} bytes, 104"):
        parse_tcp_info(bytes(size))


def test_bit_fields_of_the_bytes_that_hold_them() -> None:
    """linux/tcp.h: snd_wscale is the low half, app_limited the lowest bit."""
    info = parse_tcp_info(bytes((1, 0, 0, 0, 0, 7, 0xA7, 0x03)) + bytes(100))
    assert (info.snd_wscale, info.rcv_wscale, info.app_limited) == (7, 10, True)
    assert info.options == TcpInfoOption.TIMESTAMPS | TcpInfoOption.SACK | TcpInfoOption.WINDOW_SCALE


@pytest.mark.real
def test_a_connection_of_this_machine() -> None:
    """Judge: what the test itself did with the sockets."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        listening = parse_tcp_info(server.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 512))
        assert listening.state == TcpState.LISTEN
        with socket.create_connection(server.getsockname()) as client, server.accept()[0] as accepted:
            client.sendall(bytes(5000))
            received = 0
            while received < 5000:
                received += len(accepted.recv(8192))
            sender, receiver = (
                parse_tcp_info(each.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 512)) for each in (client, accepted)
            )
            mss = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
    assert sender.state == receiver.state == TcpState.ESTABLISHED
    assert sender.ca_state == CaState.OPEN
    assert receiver.bytes_received == 5000
    assert sender.bytes_sent == 5000
    assert sender.snd_mss == mss
    assert 0 < sender.rtt < 1
    assert 0.2 <= sender.rto < 4
    assert sender.snd_wscale == receiver.rcv_wscale
