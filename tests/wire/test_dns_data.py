import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import ProtocolError, UsageError
from netwright.wire.dns_data import (
    Address,
    Data,
    EdnsOption,
    Host,
    Mx,
    Opaque,
    Opt,
    RecordKind,
    ServiceKey,
    Soa,
    Srv,
    Svcb,
    Txt,
    parse_data,
    serialize_data,
)
from netwright.wire.dns_names import NameWriter, text_of

names = st.lists(st.binary(min_size=1, max_size=10), max_size=4).map(text_of)
u16, u32 = st.integers(0, 65535), st.integers(0, 2**32 - 1)
short = st.binary(max_size=12)


def sorted_items(each: dict[int, bytes]) -> tuple[tuple[int, bytes], ...]:
    return tuple(sorted(each.items()))


records: st.SearchStrategy[tuple[int, Data]] = st.one_of(
    st.tuples(st.just(1), st.builds(Address, st.binary(min_size=4, max_size=4))),
    st.tuples(st.just(28), st.builds(Address, st.binary(min_size=16, max_size=16))),
    st.tuples(st.sampled_from([2, 5, 12, 39]), st.builds(Host, names)),
    st.tuples(st.just(15), st.builds(Mx, u16, names)),
    st.tuples(st.just(6), st.builds(Soa, names, names, u32, u32, u32, u32, u32)),
    st.tuples(st.just(33), st.builds(Srv, u16, u16, u16, names)),
    st.tuples(st.just(16), st.builds(Txt, st.lists(short, min_size=1, max_size=3).map(tuple))),
    st.tuples(
        st.sampled_from([64, 65]),
        st.builds(
            Svcb, u16, names, st.dictionaries(u16, short, max_size=3).map(lambda each: tuple(sorted(each.items())))
        ),
    ),
    st.tuples(st.just(41), st.builds(Opt, st.lists(st.builds(EdnsOption, u16, short), max_size=3).map(tuple))),
    st.tuples(st.just(99), st.builds(Opaque, short)),
)


@given(st.lists(records, max_size=4))
def test_data_round_trips(found: list[tuple[int, Data]]) -> None:
    """RFC 1035 §3.3 and the RFC of each type; names may point to those of the records before."""
    writer = NameWriter(bytes(12))
    places = []
    for kind, data in found:
        begin = len(writer.data)
        serialize_data(kind, data, writer)
        places.append((kind, begin, len(writer.data)))
    message = bytes(writer.data)
    assert [parse_data(kind, message, begin, end) for kind, begin, end in places] == [data for _, data in found]


@pytest.mark.parametrize(
    ("kind", "raw", "data"),
    [
        (RecordKind.A, "c0000201", Address(bytes((192, 0, 2, 1)))),
        (RecordKind.MX, "000a 026d7800", Mx(10, "mx")),
        (RecordKind.MX, "0000 00", Mx(0, "")),  # RFC 7505
        (RecordKind.SRV, "0001 0002 01bb 0161 00", Srv(1, 2, 443, "a")),  # RFC 2782
        (RecordKind.TXT, "02 6869 00", Txt((b"hi", b""))),
        # RFC 9460 appendix D.2: alpn, port, ipv4hint
        (
            RecordKind.HTTPS,
            "0001 00 0001 0006 026832 026833 0003 0002 01bb 0004 0004 c0000201",
            Svcb(1, "", ((1, b"\x02h2\x02h3"), (3, b"\x01\xbb"), (4, b"\xc0\0\x02\x01"))),
        ),
        (RecordKind.OPT, "000a 0008 0102030405060708", Opt((EdnsOption(10, bytes(range(1, 9))),))),  # RFC 7873
        (RecordKind.A, "", Opaque(b"")),  # RFC 2136 §2.4.1
    ],
)
def test_data_by_the_book(kind: int, raw: str, data: Data) -> None:
    message = bytes.fromhex(raw)
    assert parse_data(kind, message, 0, len(message)) == data
    writer = NameWriter()
    serialize_data(kind, data, writer)
    assert writer.data == message


def test_service_parameters_by_name() -> None:
    """RFC 9460 §7."""
    data = Svcb(
        1,
        "svc",
        (
            (ServiceKey.ALPN, b"\x02h2\x08http/1.1"),
            (ServiceKey.PORT, b"\x20\xfb"),
            (ServiceKey.IPV4_HINT, b"\1\2\3\4\5\6\7\x08"),
            (ServiceKey.IPV6_HINT, b"a" * 16),
        ),
    )
    assert (data.alpn, data.port) == ((b"h2", b"http/1.1"), 8443)
    assert data.hints == (b"\1\2\3\4", b"\5\6\7\x08", b"a" * 16)
    assert (Svcb(0, "alias").alpn, Svcb(0, "alias").port, Svcb(0, "alias").hints) == ((), None, ())
    assert str(Address(b"\1\2\3\4")) == "1.2.3.4"


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (RecordKind.A, "c00002"),
        (RecordKind.A, "c000020101"),
        (RecordKind.AAAA, "c0000201"),
        (RecordKind.CNAME, "0161"),
        (RecordKind.CNAME, "01610000"),
        (RecordKind.MX, "00"),
        (RecordKind.SOA, "0000 00000001"),
        (RecordKind.SRV, "0001000201"),
        (RecordKind.TXT, "0361"),
        (RecordKind.SVCB, "0001 00 0003 0002 01bb 0001 0000"),
        (RecordKind.SVCB, "0001 00 0003 0002 01bb 0003 0000"),
        (RecordKind.SVCB, "0001 00 0003 0003 01bb"),
        (RecordKind.OPT, "000a 0008 01"),
        (RecordKind.OPT, "000a 00"),
    ],
)
def test_data_that_is_not_as_long_as_its_type_says_is_refused(kind: int, raw: str) -> None:
    """RFC 1035 §3.2.1; RFC 9460 §2.2: keys rise; what follows the data does not help it."""
    message = bytes.fromhex(raw)
    with pytest.raises(ProtocolError):
        parse_data(kind, message + bytes(20), 0, len(message))


def test_alpn_with_wrong_lengths_is_refused() -> None:
    with pytest.raises(ProtocolError, match="alpn"):
        _ = Svcb(1, "", ((1, b"\x05h2"),)).alpn


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (1, Address(bytes(16))),
        (28, Address(bytes(4))),
        (15, Mx(65536, "")),
        (16, Txt((bytes(256),))),
        (33, Srv(-1, 0, 0, "")),
        (41, Opt((EdnsOption(1, bytes(65536)),))),
    ],
)
def test_serialize_refuses_what_does_not_fit(kind: int, data: Data) -> None:
    with pytest.raises(UsageError):
        serialize_data(kind, data, NameWriter())
