import errno
import os
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import IncompleteError, ProtocolError, UsageError
from netwright.wire.inet_diag import (
    ALL_STATES,
    SOCK_DESTROY,
    DiagAttribute,
    DiagEnd,
    DiagMessage,
    DiagSocket,
    Memory,
    dump_request,
    parse_diag,
    socket_request,
    states_mask,
)
from netwright.wire.tcp_info import TcpState

NETLINK_SOCK_DIAG = 4


def ask(request: bytes) -> list[DiagMessage]:
    """Everything that this machine's kernel answers, up to its end."""
    found: list[DiagMessage] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as diag:
        diag.settimeout(5)
        diag.send(request)
        while not found or not isinstance(found[-1].content, DiagEnd):
            found += parse_diag(diag.recv(65536))
            if not struct.unpack_from("=H", request, 6)[0] & 0x300:
                break
    return found


def answer(*attributes: tuple[int, bytes], family: int = 2, state: int = 1) -> bytes:
    body = bytes((family, state, 1, 2)) + struct.pack("!2H16s16s", 80, 1024, b"\x7f\0\0\1", b"\x7f\0\0\2")
    body += struct.pack("=3I", 3, 4, 5) + struct.pack("=5I", 1500, 6, 7, 1000, 99)
    for kind, value in attributes:
        body += struct.pack("=2H", 4 + len(value), kind) + value + bytes(-len(value) % 4)
    return struct.pack("=I2H2I", 16 + len(body), 20, 2, 77, 0) + body


def test_an_answer_by_the_book() -> None:
    """linux/inet_diag.h, sock_diag(7)."""
    raw = answer(
        (DiagAttribute.CONGESTION, b"cubic\0"),
        (DiagAttribute.SOCKET_MEMORY, struct.pack("=9I", *range(9))),
        (DiagAttribute.CGROUP, struct.pack("=Q", 1 << 40)),
        (DiagAttribute.INFO, bytes((1,)) + bytes(103)),
    )
    (message,) = parse_diag(raw)
    found = message.content
    assert isinstance(found, DiagSocket)
    assert (message.sequence, message.interrupted) == (77, False)
    assert str(found) == "ESTABLISHED 127.0.0.1 80 > 127.0.0.2 1024"
    assert (found.timer, found.retransmits, found.expires) == (1, 2, 1.5)
    assert (found.receive_queue, found.send_queue, found.uid, found.inode) == (6, 7, 1000, 99)
    assert (found.interface, found.cookie) == (3, 5 << 32 | 4)
    assert (found.congestion, found.cgroup, found.memory) == ("cubic", 1 << 40, Memory(*range(9)))
    assert found.info is not None
    assert found.info.state == TcpState.ESTABLISHED


def test_what_was_not_asked_for_is_absent() -> None:
    (message,) = parse_diag(answer(family=10, state=77))
    found = message.content
    assert isinstance(found, DiagSocket)
    assert (found.info, found.congestion, found.memory, found.cgroup) == (None, "", None, None)
    assert str(found) == "77 7f00:1:: 80 > 7f00:2:: 1024"


def test_ends_and_other_messages() -> None:
    """netlink(7): the error is negative; DONE may have none; an interrupted dump has a flag."""
    refused = struct.pack("=I2H2Ii", 20, 2, 0, 1, 0, -errno.ENOENT)
    done = struct.pack("=I2H2I", 16, 3, 0x12, 2, 0)
    other = struct.pack("=I2H2I", 18, 99, 0, 3, 0) + b"ab\0\0"
    assert parse_diag(refused + done + other) == [
        DiagMessage(1, False, DiagEnd(errno.ENOENT)),
        DiagMessage(2, True, DiagEnd(0)),
        DiagMessage(3, False, None),
    ]


def test_a_cut_answer_is_incomplete_at_every_byte() -> None:
    raw = answer((DiagAttribute.CONGESTION, b"bbr\0"))
    for have in range(1, len(raw)):
        with pytest.raises(IncompleteError, match="netlink message cut"):
            parse_diag(raw[:have])


def test_impossible_lengths_are_refused() -> None:
    with pytest.raises(ProtocolError, match="netlink message of 15 bytes at byte 0"):
        parse_diag(struct.pack("=I2H2I", 15, 20, 0, 1, 0))
    with pytest.raises(ProtocolError, match="inet_diag_msg of 4 bytes"):
        parse_diag(struct.pack("=I2H2I", 20, 20, 0, 1, 0) + bytes(4))
    raw = bytearray(answer((DiagAttribute.CONGESTION, b"bbr\0")))
    for wrong in (3, 9):
        raw[-8] = wrong
        with pytest.raises(ProtocolError, match=f"netlink attribute 4 of {wrong} bytes"):
            parse_diag(bytes(raw))


@given(st.binary(max_size=100) | st.binary(max_size=100).map(lambda tail: answer()[:60] + tail))
def test_any_bytes_give_messages_or_blame_the_kernel(data: bytes) -> None:
    try:
        messages = parse_diag(data)
    except ProtocolError:
        return
    assert all(isinstance(message, DiagMessage) for message in messages)


def test_requests_by_the_book() -> None:
    """sock_diag(7), linux/inet_diag.h: header, inet_diag_req_v2; a dump has no identity, one socket has no cookie."""
    head, body = struct.Struct("=I2H2I"), struct.Struct("=4BI")
    dump = dump_request(10, states=0x402, extensions=[DiagAttribute.INFO, DiagAttribute.CONGESTION], sequence=9)
    assert dump == head.pack(72, 20, 0x301, 9, 0) + body.pack(10, 6, 0b1010, 0, 0x402) + bytes(48)
    one = socket_request(b"\x7f\0\0\1", 80, b"\x7f\0\0\2", 1024, protocol=17, extensions=[], kind=SOCK_DESTROY)
    ident = struct.pack("!2H16s16s", 80, 1024, b"\x7f\0\0\1", b"\x7f\0\0\2") + struct.pack(
        "=3I", 0, 2**32 - 1, 2**32 - 1
    )
    assert one == head.pack(72, 21, 0x5, 1, 0) + body.pack(2, 17, 0, 0, ALL_STATES) + ident


def test_requests_refuse_what_does_not_fit() -> None:
    with pytest.raises(UsageError, match="out of range"):
        dump_request(2, extensions=[DiagAttribute.DCTCP])
    with pytest.raises(UsageError, match="addresses of 4 and 16 bytes"):
        socket_request(bytes(4), 1, bytes(16), 2)


def test_states_are_bits() -> None:
    """linux/inet_diag.h, idiag_states: bit N is state N."""
    assert states_mask([TcpState.ESTABLISHED, TcpState.LISTEN, TcpState.LISTEN]) == 0x402
    assert ALL_STATES == 0x3FFE


@pytest.mark.real
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_this_machines_kernel_finds_the_tests_own_sockets(host: str) -> None:
    """Judge: the sockets that the test holds: ports, inodes, queues, backlog."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family, backlog=7) as server:
        name = server.getsockname()
        with socket.create_connection(name[:2]) as client, server.accept()[0] as accepted:
            accepted.sendall(b"hello")
            extensions = [DiagAttribute.INFO, DiagAttribute.CONGESTION, DiagAttribute.SOCKET_MEMORY]
            inodes = {each: os.fstat(each.fileno()).st_ino for each in (server, client, accepted)}
            messages = ask(dump_request(family, extensions=extensions, sequence=5))
            mine = client.getsockname()
            packed = socket.inet_pton(family, host)
            single = ask(socket_request(packed, mine[1], packed, name[1], sequence=9))
    assert {message.sequence for message in messages} == {5}
    assert messages[-1].content == DiagEnd(0)
    found = {each.content.inode: each.content for each in messages if isinstance(each.content, DiagSocket)}
    listener, one, other = (found[inodes[each]] for each in (server, client, accepted))
    assert (listener.state, listener.source_port, listener.send_queue) == (TcpState.LISTEN, name[1], 7)
    assert (one.state, one.source_port, one.destination_port) == (TcpState.ESTABLISHED, mine[1], name[1])
    assert one.receive_queue == 5
    assert one.source == other.source == packed
    assert one.info is not None
    assert one.info.bytes_received == 5
    assert one.congestion
    assert one.memory is not None
    (again,) = single
    assert isinstance(again.content, DiagSocket)
    assert again.content.inode == one.inode


@pytest.mark.real
def test_a_socket_that_is_not_there_is_refused_by_the_kernel() -> None:
    """sock_diag(7): NLMSG_ERROR; SOCK_DESTROY asks for an acknowledgment and gets the same refusal."""
    for kind in (20, SOCK_DESTROY):
        (message,) = ask(socket_request(b"\x7f\0\0\1", 1, b"\x7f\0\0\1", 1, kind=kind))
        assert isinstance(message.content, DiagEnd)
        assert message.content.errno in (errno.ENOENT, errno.EOPNOTSUPP, errno.EPERM)
