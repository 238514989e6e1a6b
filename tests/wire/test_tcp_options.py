import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import ProtocolError, UsageError
from netwright.wire.tcp_options import (
    AccEcn,
    FastOpen,
    MaximumSegmentSize,
    NoOperation,
    OpaqueOption,
    Sack,
    SackPermitted,
    TcpOption,
    TcpOptionKind,
    Timestamps,
    UserTimeout,
    WindowScale,
    parse_tcp_options,
    serialize_tcp_options,
)
from tests.support.limits import around

_U32 = st.integers(0, 0xFFFFFFFF)

tcp_options: st.SearchStrategy[TcpOption] = st.one_of(
    st.just(NoOperation()),
    st.builds(MaximumSegmentSize, st.integers(0, 65535)),
    st.builds(WindowScale, st.integers(0, 255)),
    st.just(SackPermitted()),
    st.builds(Sack, st.lists(st.tuples(_U32, _U32), min_size=1, max_size=4).map(tuple)),
    st.builds(Timestamps, _U32, _U32),
    st.builds(UserTimeout, st.integers(0, 0x7FFF) | st.integers(547, 0x7FFF).map(lambda minutes: minutes * 60)),
    st.builds(FastOpen, st.binary(max_size=16)),
    st.builds(AccEcn, st.integers(0, 1), st.lists(st.integers(0, 0xFFFFFF), max_size=3).map(tuple)),
    st.builds(OpaqueOption, st.sampled_from([19, 29, 30, 253, 254, 77]), st.binary(max_size=16)),
)


@given(st.lists(tcp_options, max_size=4))
def test_options_round_trip(options: list[TcpOption]) -> None:
    """RFC 9293 §3.1: padded to a multiple of 4 with End of Option List."""
    if sum(len(option.serialize()) for option in options) > 40:
        with pytest.raises(UsageError, match="40 allowed"):
            serialize_tcp_options(options)
        return
    raw = serialize_tcp_options(options)
    assert parse_tcp_options(raw) == options
    assert len(raw) % 4 == 0


@given(st.binary(max_size=40))
def test_any_bytes_give_options_or_blame_the_peer(raw: bytes) -> None:
    """RFC 9293 §3.1: what is parsed gives its bytes again, up to the end of the list."""
    try:
        options = parse_tcp_options(raw)
    except ProtocolError:
        return
    again = b"".join(option.serialize() for option in options)
    assert raw.startswith(again)
    assert raw[len(again) : len(again) + 1] in (b"", b"\0")


@pytest.mark.parametrize(
    ("raw", "option"),
    [
        ("020405b4", MaximumSegmentSize(1460)),  # RFC 9293 §3.2
        ("030307", WindowScale(7)),  # RFC 7323 §2.2
        ("0402", SackPermitted()),  # RFC 2018 §2
        ("050a0000000100000002", Sack(((1, 2),))),  # RFC 2018 §3
        ("080a0000000100000002", Timestamps(1, 2)),  # RFC 7323 §3.2
        ("1c04801e", None),  # RFC 5482 §3: 30 minutes, which seconds could say
        ("1c048223", UserTimeout(547 * 60)),
        ("1c040384", UserTimeout(900)),
        ("2202", FastOpen(b"")),  # RFC 7413 §4.1.1
        ("220a0102030405060708", FastOpen(bytes(range(1, 9)))),
        ("ac08000001000002", AccEcn(0, (1, 2))),  # RFC 9768 §3.2.3
        ("ae0b000001000002000003", AccEcn(1, (1, 2, 3))),
        ("1e0c008101020304050607ff", OpaqueOption(TcpOptionKind.MULTIPATH, bytes.fromhex("008101020304050607ff"))),
        ("020305", OpaqueOption(2, b"\x05")),  # a known kind with a length of its own
    ],
)
def test_each_option_as_its_rfc_writes_it(raw: str, option: TcpOption | None) -> None:
    data = bytes.fromhex(raw)
    expected = option if option is not None else OpaqueOption(data[0], data[2:])
    assert parse_tcp_options(data) == [expected]
    assert expected.serialize() == data


@pytest.mark.parametrize("raw", ["02", "0200", "0201", "0205ffff", "0101080b00"])
def test_a_wrong_length_is_refused_with_its_place(raw: str) -> None:
    """RFC 9293 §3.1: MUST-68 asks to handle illegal lengths."""
    with pytest.raises(ProtocolError, match=r"at byte \d of"):
        parse_tcp_options(bytes.fromhex(raw))


def test_bytes_behind_the_end_are_padding() -> None:
    """RFC 9293 §3.2."""
    assert parse_tcp_options(bytes.fromhex("010000ff")) == [NoOperation()]


@pytest.mark.parametrize(
    "option",
    [
        MaximumSegmentSize(65536),
        WindowScale(256),
        Sack(((1 << 32, 0),)),
        Timestamps(-1, 0),
        UserTimeout(0x8001),
        UserTimeout(0x8000 * 60),
        FastOpen(bytes(254)),
        AccEcn(2, ()),
        AccEcn(0, (1, 2, 3, 4)),
        AccEcn(0, (1 << 24,)),
        OpaqueOption(256, b""),
    ],
)
def test_serialize_refuses_what_the_option_cannot_hold(option: TcpOption) -> None:
    with pytest.raises(UsageError):
        option.serialize()


@pytest.mark.parametrize("size", around(40))
def test_header_holds_up_to_40_bytes_of_options(size: int) -> None:
    """RFC 9293 §3.1."""
    options = [OpaqueOption(253, bytes(size - 2))]
    if size <= 40:
        assert len(serialize_tcp_options(options)) == 40
        return
    with pytest.raises(UsageError, match="TCP options of 41 bytes, 40 allowed"):
        serialize_tcp_options(options)


@pytest.mark.parametrize("seconds", [0, 1, 32766, 32767, 32768, 32820, 546 * 60, 547 * 60, 32767 * 60])
def test_user_timeout_is_in_seconds_then_in_minutes(seconds: int) -> None:
    """RFC 5482 §3: 15 bits of seconds, above them of minutes."""
    option = UserTimeout(seconds)
    if seconds > 32767 and seconds % 60:
        with pytest.raises(UsageError, match="whole minutes above 32767"):
            option.serialize()
        return
    assert option.serialize()[2] >> 7 == (seconds > 32767)
    assert parse_tcp_options(option.serialize()) == [option]
