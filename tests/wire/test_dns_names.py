import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import IncompleteError, ProtocolError, UsageError
from netwright.wire.dns_names import NameWriter, labels_of, parse_name, text_of

labels = st.lists(st.binary(min_size=1, max_size=20), max_size=8)


@given(labels)
def test_text_and_labels_are_one_thing(raw: list[bytes]) -> None:
    """RFC 1035 §5.1: a dot in a label and bytes that are not visible are escaped."""
    assert labels_of(text_of(raw)) == raw


@given(st.lists(labels, min_size=1, max_size=6), st.booleans())
def test_names_round_trip_with_and_without_compression(names: list[list[bytes]], compress: bool) -> None:
    """RFC 1035 §4.1.4."""
    writer = NameWriter(b"header")
    places = []
    for name in names:
        places.append(len(writer.data))
        writer.write(text_of(name), compress=compress)
    message = bytes(writer.data)
    ends = [*places[1:], len(message)]
    assert [parse_name(message, at) for at in places] == [
        (text_of(name), end) for name, end in zip(names, ends, strict=True)
    ]
    if not compress:
        assert len(message) == 6 + sum(sum(len(label) + 1 for label in name) + 1 for name in names)


def test_compression_by_the_book() -> None:
    """RFC 1035 §4.1.4: F.ISI.ARPA, FOO.F.ISI.ARPA, ARPA and the root."""
    writer = NameWriter(bytes(20))
    for name in ("F.ISI.ARPA", "FOO.F.ISI.ARPA", "ARPA", ""):
        writer.write(name)
    assert writer.data[20:] == b"\1F\3ISI\4ARPA\0" + b"\3FOO\xc0\x14" + b"\xc0\x1a" + b"\0"


def test_letters_keep_their_case() -> None:
    """A pointer goes to the same letters only: resolvers compare the case that they sent (0x20)."""
    writer = NameWriter()
    writer.write("example.org")
    writer.write("eXample.org")
    assert parse_name(bytes(writer.data), 13) == ("eXample.org", 23)


def test_names_beyond_16_kib_are_not_pointed_to() -> None:
    """RFC 1035 §4.1.4: an offset has 14 bits."""
    writer = NameWriter(bytes(0x4000))
    writer.write("a.b")
    writer.write("a.b")
    assert len(writer.data) == 0x4000 + 10


@pytest.mark.parametrize(
    ("raw", "at", "text"),
    [
        ("c000", 0, "pointer to byte 0 at byte 0, below 0"),
        ("c002c000", 2, "pointer to byte 2 at byte 0, below 0"),
        ("01610162c000", 0, "pointer to byte 0 at byte 4, below 0"),
        ("c004000001610000", 0, "pointer to byte 4 at byte 0, below 0"),
        ("4161", 0, "label of type 1"),
        ("8161", 0, "label of type 2"),
        ("3f" + "61" * 63 + ("3f" + "61" * 63) * 3 + "00", 0, "more than 255 bytes"),
    ],
)
def test_loops_and_wrong_labels_are_refused(raw: str, at: int, text: str) -> None:
    """RFC 1035 §4.1.4: a pointer is to a prior occurrence; §2.3.4: 255 bytes."""
    with pytest.raises(ProtocolError, match=text):
        parse_name(bytes.fromhex(raw), at)


def test_the_longest_name_is_255_bytes() -> None:
    """RFC 1035 §2.3.4."""
    name = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    writer = NameWriter()
    writer.write(name)
    assert len(writer.data) == 255
    assert parse_name(bytes(writer.data), 0) == (name, 255)
    with pytest.raises(UsageError, match="more than 255 bytes"):
        labels_of(name + "d")


@pytest.mark.parametrize("raw", ["", "03", "0361", "016103", "0161c0"])
def test_a_cut_name_is_incomplete(raw: str) -> None:
    with pytest.raises(IncompleteError, match="ends behind the message"):
        parse_name(bytes.fromhex(raw), 0)


def test_a_dot_at_the_end_is_the_roots() -> None:
    assert labels_of("example.org.") == labels_of("example.org") == [b"example", b"org"]
    assert labels_of("") == labels_of(".") == []


@pytest.mark.parametrize("name", ["a..b", ".a", "a" * 64, "é.org", "a\\", "a\\25", "a\\256", "a\\.b.."])
def test_labels_of_refuses_what_is_no_name(name: str) -> None:
    """RFC 1035 §2.3.4: 1 to 63 bytes a label."""
    with pytest.raises(UsageError, match="name"):
        labels_of(name)


@given(st.binary(max_size=60), st.integers(0, 60))
def test_any_bytes_give_a_name_or_blame_the_peer(message: bytes, at: int) -> None:
    try:
        name, behind = parse_name(message, at)
    except ProtocolError:
        return
    assert at < behind <= len(message)
    assert text_of(labels_of(name)) == name
