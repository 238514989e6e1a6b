import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.address import Address, InetAddress, UnixAddress, check_address, from_sockname, parse_address
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
        ("65535", InetAddress("127.0.0.1", 65535)),
        ("[::1]:65535", InetAddress("::1", 65535)),
        ("*:0", InetAddress("", 0)),
        ("*:9000", InetAddress("", 9000)),
        ("unix:/run/a.sock", UnixAddress("/run/a.sock")),
        ("unix:@name", UnixAddress("name", abstract=True)),
    ],
)
def test_parse_reads_every_documented_form(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "host",
        "host:",
        "host:x",
        "host:65536",
        "65536",
        "host:-1",
        "::1",
        "[::1",
        "[x]:1",
        "[::1]1",
        "unix:",
        "a b:1",
    ],
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
    address = parse_address("unix:@a")
    assert isinstance(address, UnixAddress)
    assert address.sockname == "\0a"


def test_every_address_has_host_and_port_for_a_type_checker() -> None:
    address: Address = parse_address("[::1]:80")
    assert (address.host, address.port) == ("::1", 80)
    address = parse_address("unix:/run/a.sock")
    with pytest.raises(UsageError, match=r"unix:/run/a\.sock has no port"):
        assert address.port
    with pytest.raises(UsageError, match="has no host"):
        assert address.host


@pytest.mark.parametrize("text", ["http://h:80", "https://h/path"])
def test_url_is_told_from_an_address(text: str) -> None:
    with pytest.raises(UsageError, match=r"a URL, not an address: .*; write 'h"):
        parse_address(text)


def test_ipv4_address_stands_in_no_brackets() -> None:
    """RFC 3986 §3.2.2."""
    with pytest.raises(UsageError, match="not an IPv6 address"):
        parse_address("[127.0.0.1]:80")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (UnixAddress("a" * 108), "of 108 bytes"),
        (UnixAddress(""), "of 0 bytes"),
        (UnixAddress("x\0y"), "with a NUL"),
        (InetAddress("h", "80"), "'80' is of type str"),  # type: ignore[arg-type]
        (InetAddress(b"h", 80), "is of type bytes"),  # type: ignore[arg-type]
    ],
    ids=repr,
)
def test_address_that_no_socket_can_have_is_refused(address: Address, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        check_address(address)


def test_scope_of_a_socket_name_is_kept() -> None:
    """RFC 4007 §11."""
    assert from_sockname(("fe80::1", 80, 0, 3)) == InetAddress("fe80::1%3", 80)
