import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.address import Address, InetAddress, UnixAddress, from_sockname, parse_address
from netwright.core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8000", InetAddress("127.0.0.1", 8000)),
        ("[::1]:443", InetAddress("::1", 443)),
        ("[fe80::1%eth0]:1", InetAddress("fe80::1%eth0", 1)),
        ("example.org:80", InetAddress("example.org", 80)),
        (":9000", InetAddress("127.0.0.1", 9000)),
        ("9000", InetAddress("127.0.0.1", 9000)),
        ("unix:/run/a.sock", UnixAddress("/run/a.sock")),
        ("unix:@name", UnixAddress("name", abstract=True)),
    ],
)
def test_parse_reads_every_documented_form(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "host", "host:", "host:x", "host:65536", "host:-1", "::1", "[::1", "[x]:1", "[::1]1", "unix:", "a b:1"]
)
def test_parse_blames_the_caller_and_shows_the_text(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_address(text)
    assert "unix:" in str(caught.value) or text in str(caught.value)


@given(st.text())
def test_parse_of_garbage_is_an_address_or_a_usage_error(text: str) -> None:
    try:
        address = parse_address(text)
    except UsageError:
        return
    assert parse_address(str(address)) == address


def test_default_port_stands_in_for_a_missing_one() -> None:
    assert parse_address("host", default_port=80) == InetAddress("host", 80)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (("::1", 5, 0, 0), "[::1]:5"),
        (("1.2.3.4", 5), "1.2.3.4:5"),
        (b"\0x", "unix:@x"),
        ("/a", "unix:/a"),
        ("", "unix:"),
    ],
)
def test_sockname_of_every_family_becomes_an_address(name: object, text: str) -> None:
    assert str(from_sockname(name)) == text


def test_sockname_of_another_family_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        from_sockname(7)


@pytest.mark.parametrize(
    ("text", "loopback"),
    [("127.9.9.9:1", True), ("[::1]:1", True), ("localhost:1", True), ("10.0.0.1:1", False), ("unix:/a", True)],
)
def test_loopback_is_what_never_leaves_the_machine(text: str, loopback: bool) -> None:
    """RFC 1122 §3.2.1.3, RFC 6761 §6.3."""
    assert parse_address(text).is_loopback is loopback


def test_abstract_sockname_starts_with_nul() -> None:
    assert parse_address("unix:@a").sockname == "\0a"  # type: ignore[union-attr]  # only a Unix address has one
