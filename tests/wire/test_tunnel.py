import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import IncompleteError, ProtocolError, UsageError
from netwright.wire.checksum import checksum
from netwright.wire.tunnel import (
    Geneve,
    GeneveOption,
    Gre,
    Vxlan,
    parse_geneve,
    parse_geneve_options,
    parse_gre,
    parse_vxlan,
    serialize_geneve_options,
)


@given(st.binary(min_size=20, max_size=24))
def test_gre_round_trip(raw: bytes) -> None:
    """RFC 2784 §2.1, RFC 2890 §2, RFC 2637 §4.1: whatever the flags announce."""
    try:
        header = parse_gre(raw)
    except ProtocolError as error:
        assert "GRE version" in str(error) or "cut" in str(error)  # noqa: PT017  # either is allowed
        return
    assert header.serialize() == raw[: header.header_length]
    for have in range(header.header_length):
        with pytest.raises(IncompleteError):
            parse_gre(raw[:have])


@pytest.mark.parametrize(
    ("raw", "header"),
    [
        ("00000800", Gre(0x0800)),
        ("8000 0800 1234 0000", Gre(0x0800, checksum=0x1234)),
        ("2000 6558 0000002a", Gre(0x6558, key=42)),
        ("b000 86dd 1234 0000 0000002a 00000001", Gre(0x86DD, 0x1234, 42, 1)),
        ("3081 880b 00100007 00000001 00000002", Gre(0x880B, None, 0x00100007, 1, 2, 1)),
        ("3001 880b 00100007 00000001", Gre(0x880B, None, 0x00100007, 1, None, 1)),
        ("0080 0800", Gre(0x0800, flags=0x80)),
    ],
)
def test_gre_forms(raw: str, header: Gre) -> None:
    """RFC 2890 §2: checksum, key, sequence number in this order; RFC 2637 §4.1: then acknowledgment."""
    data = bytes.fromhex(raw)
    assert parse_gre(data) == header
    assert header.serialize() == data
    assert header.header_length == len(data)


@pytest.mark.parametrize("raw", ["40000800", "00020800", "c0000800 00000000"])
def test_gre_with_routing_or_of_a_later_version_is_refused(raw: str) -> None:
    """RFC 2784 §2.3: such a packet must be discarded."""
    with pytest.raises(ProtocolError, match="GRE version"):
        parse_gre(bytes.fromhex(raw))


@given(st.binary(max_size=40))
def test_gre_seals_its_checksum_if_it_has_one(payload: bytes) -> None:
    """RFC 2784 §2.5."""
    sealed = Gre(0x0800, checksum=0, key=1).sealed(payload)
    assert checksum(sealed.serialize() + payload) == 0
    assert Gre(0x0800).sealed(payload) == Gre(0x0800)


@given(st.binary(min_size=8, max_size=8))
def test_vxlan_round_trip(raw: bytes) -> None:
    """RFC 7348 §5."""
    assert parse_vxlan(raw).serialize() == raw
    for have in range(8):
        with pytest.raises(IncompleteError):
            parse_vxlan(raw[:have])


def test_vxlan_fields() -> None:
    """RFC 7348 §5: the flag I is 8."""
    assert Vxlan(0x123456).serialize() == bytes.fromhex("0800000012345600")
    assert Vxlan(1).header_length == 8


@given(st.integers(0, 63), st.binary(min_size=7, max_size=7), st.binary(min_size=252, max_size=252))
def test_geneve_round_trip(words: int, rest: bytes, options: bytes) -> None:
    """RFC 8926 §3.4."""
    raw = bytes((words,)) + rest + options[: words * 4]
    header = parse_geneve(raw)
    assert header.serialize() == raw
    assert header.header_length == len(raw)
    for have in range(len(raw)):
        with pytest.raises(IncompleteError):
            parse_geneve(raw[:have])


def test_geneve_fields() -> None:
    """RFC 8926 §3.4."""
    assert parse_geneve(bytes.fromhex("01c06558 00002a00 0102 80 00")) == Geneve(
        42, 0x6558, bytes.fromhex("01028000"), True, True
    )
    with pytest.raises(ProtocolError, match="GENEVE version 1"):
        parse_geneve(bytes.fromhex("4000655800002a00"))


@given(
    st.lists(
        st.builds(
            GeneveOption,
            st.integers(0, 65535),
            st.integers(0, 255),
            st.integers(0, 31).flatmap(lambda words: st.binary(min_size=4 * words, max_size=4 * words)),
        ),
        max_size=3,
    )
)
def test_geneve_options_round_trip(options: list[GeneveOption]) -> None:
    """RFC 8926 §3.5."""
    raw = serialize_geneve_options(options)
    assert parse_geneve_options(raw) == options
    for have in range(1, len(raw)):
        try:
            assert parse_geneve_options(raw[:have]) == options[: len(parse_geneve_options(raw[:have]))]
        except ProtocolError:
            continue


@pytest.mark.parametrize("raw", ["01", "010203", "01028001", "0102801fffffffff"])
def test_geneve_options_beyond_the_header_are_refused(raw: str) -> None:
    with pytest.raises(ProtocolError, match="GENEVE option"):
        parse_geneve_options(bytes.fromhex(raw))


def test_serialize_refuses_what_does_not_fit() -> None:
    for header in (Gre(65536), Gre(1, version=8), Gre(1, ack=1), Vxlan(1 << 24), Geneve(1, options=b"123")):
        with pytest.raises(UsageError):
            header.serialize()
    with pytest.raises(UsageError):
        serialize_geneve_options([GeneveOption(1, 1, b"123")])
    with pytest.raises(UsageError):
        serialize_geneve_options([GeneveOption(1, 1, bytes(128))])
