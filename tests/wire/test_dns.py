from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import IncompleteError, ProtocolError, UsageError
from netwright.wire.decode import decode
from netwright.wire.dns import Message, Question, ResourceRecord, ResponseCode, parse_message
from netwright.wire.dns_data import Address, EdnsOption, Host, Opaque, Opt, RecordKind, Txt
from netwright.wire.read import read_records
from tests.support.corpora import captures
from tests.support.tshark import fields
from tests.wire.test_dns_data import names, records, u16

resources = st.builds(
    lambda name, record, ttl, class_number: ResourceRecord(name, record[0], record[1], ttl, class_number),
    names,
    records,
    st.integers(-(2**31), 2**31 - 1),
    u16,
)
messages = st.builds(
    Message,
    u16,
    st.lists(st.builds(Question, names, u16, u16), max_size=2).map(tuple),
    *[st.lists(resources, max_size=2).map(tuple)] * 3,
    st.booleans(),
    st.integers(0, 15),
    *[st.booleans()] * 4,
    st.integers(0, 1),
    *[st.booleans()] * 2,
    st.integers(0, 15),
)


@given(messages)
def test_messages_round_trip(message: Message) -> None:
    """RFC 1035 §4.1."""
    raw = message.serialize()
    assert parse_message(raw) == message
    with pytest.raises(ProtocolError, match="1 bytes behind the last record"):
        parse_message(raw + b"\0")


def test_an_answer_by_the_book() -> None:
    """RFC 1035 §4.1.1: the flags; §4.1.4: the answer's name points to the question's."""
    raw = bytes.fromhex("1234 8580 0001 0002 0000 0000 03777777 076578616d706c65 00 0001 0001".replace(" ", ""))
    raw += bytes.fromhex("c00c 0005 0001 00000e10 0005 026970 c010".replace(" ", ""))
    raw += bytes.fromhex("c029 0001 0001 0000003c 0004 c0000201".replace(" ", ""))
    message = parse_message(raw)
    assert message == Message(
        0x1234,
        (Question("www.example"),),
        (
            ResourceRecord("www.example", RecordKind.CNAME, Host("ip.example"), 3600),
            ResourceRecord("ip.example", RecordKind.A, Address(b"\xc0\0\2\1"), 60),
        ),
        response=True,
        authoritative=True,
        recursion_available=True,
    )
    assert message.serialize() == raw


def test_edns_extends_the_response_code() -> None:
    """RFC 6891 §6.1.3: the upper eight bits are the TTL's; §6.1.2: the class is the UDP size."""
    opt = ResourceRecord("", RecordKind.OPT, Opt((EdnsOption(3, b"id"),)), ttl=1 << 24, class_number=1232)
    message = Message(1, additional=(opt,), response=True)
    assert message.full_code == ResponseCode.BAD_VERSION
    assert parse_message(message.serialize()).edns == opt
    assert Message(1, code=3).full_code == ResponseCode.NAME_ERROR
    assert Message(1).edns is None


def test_a_cut_message_is_incomplete_at_every_byte() -> None:
    raw = Message(
        1,
        (Question("example.org"),),
        (ResourceRecord("example.org", 16, Txt((b"text",))), ResourceRecord("a.example.org", 1, Address(bytes(4)))),
    ).serialize()
    for have in range(len(raw)):
        with pytest.raises(IncompleteError):
            parse_message(raw[:have])


def test_counts_are_the_peers_word() -> None:
    """65535 answers announced, none there: no memory, no time."""
    with pytest.raises(IncompleteError):
        parse_message(bytes.fromhex("0001 8000 0000 ffff ffff ffff"))


def test_pointers_do_not_multiply() -> None:
    """The most names that 64 KiB hold, each 255 bytes long by its pointer."""
    name = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    record = ResourceRecord(name, 99, Opaque(b""))
    message = Message(1, answers=(record,) * 5400)
    raw = message.serialize()
    assert len(raw) < 65536
    assert parse_message(raw) == message
    with pytest.raises(UsageError, match="65535 allowed"):
        replace(message, answers=(record,) * 5500).serialize()


@given(st.binary(max_size=80), st.integers(0, 60))
def test_any_bytes_give_a_message_or_blame_the_peer(tail: bytes, keep: int) -> None:
    raw = Message(1, (Question("a.example"),), (ResourceRecord("b.example", 5, Host("a.example")),)).serialize()
    for data in (tail, raw[:keep] + tail):
        try:
            message = parse_message(data)
        except ProtocolError:
            continue
        assert parse_message(message.serialize()) == message


def dns_packets() -> "list[tuple[str, int, bytes]]":
    """File, frame number and payload of every UDP packet of port 53 in the public captures."""
    found = []
    for path in captures():
        with path.open("rb") as file:
            try:
                for number, record in enumerate(read_records(file), 1):
                    packet = decode(record.data, record.interface.link_type, record.length)
                    if packet.udp is not None and 53 in (packet.udp.source_port, packet.udp.destination_port):
                        found.append((path.name, number, packet.payload))
            except ProtocolError:
                continue
    return found


def test_public_dns_packets_round_trip_as_values() -> None:
    """Every one parses, and what is written parses to the same."""
    packets = dns_packets()
    assert len(packets) > 20
    for name, number, payload in packets:
        message = parse_message(payload)
        assert parse_message(message.serialize()) == message, (name, number)


@pytest.mark.real
def test_tshark_reads_the_same_messages() -> None:
    """Judge: tshark 4.0, on every public DNS packet."""
    wanted = ["frame.number", "dns.id", "dns.flags", "dns.qry.name", "dns.count.answers", "dns.a"]
    by_file: dict[str, dict[int, Message]] = {}
    for name, number, payload in dns_packets():
        by_file.setdefault(name, {})[number] = parse_message(payload)
    compared = 0
    for path in [path for path in captures() if path.name in by_file][:12]:
        for row in fields(path, wanted, "-Y", "dns && udp"):
            message = by_file[path.name].get(int(row[0]))
            if message is None:
                continue
            compared += 1
            raw = message.serialize()
            assert (message.ident, int.from_bytes(raw[2:4], "big")) == (int(row[1], 16), int(row[2], 16))
            assert [question.name for question in message.questions][-1:] == ([row[3]] if row[3] else [])
            assert len(message.answers) == int(row[4])
            a = [
                str(each.data)
                for each in (*message.answers, *message.authorities, *message.additional)
                if each.kind == 1
            ]
            assert a[-1:] == ([row[5]] if row[5] else [])
    assert compared > 20
