import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import UsageError
from netwright.proto.fields import Fields
from netwright.proto.http1.fields import check_field_line, format_fields
from netwright.proto.http1.scan import scan
from netwright.proto.http1.status import HttpError

TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
names = st.text(TOKEN_CHARACTERS, min_size=1, max_size=8)
values = st.text(
    st.characters(codec="latin-1").filter(lambda character: character == "\t" or character.isprintable()), max_size=8
).map(lambda text: text.strip(" \t"))


@given(st.lists(st.tuples(names, values)))
def test_fields_that_are_written_are_read_back(pairs: list[tuple[str, str]]) -> None:
    block = format_fields(pairs)
    assert scan(block) is not None
    assert Fields.of_block(block).pairs == tuple((name.lower(), value) for name, value in pairs)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b" folded\r\n", "folded field line at byte 7 (RFC 9112 §5.2)"),
        (b"no colon\r\n", "without a colon at byte 7: b'no colon'"),
        (b"name : value\r\n", "space between field name and colon at byte 7"),
        (b": value\r\n", "not a token at byte 7: b''"),
        (b"n\xe4me: value\r\n", "not a token"),
        (b"name: va\0lue\r\n", "b'\\x00' in name at byte 15 (RFC 9110 §5.5)"),
        (b"name: va\rlue\r\n", "b'\\r' in name at byte 15"),
        (b"name: value\n", "LF alone at byte 18"),
        (b"\n", "LF alone at byte 7"),
    ],
)
def test_line_that_is_none_is_refused_with_its_place(line: bytes, words: str) -> None:
    """RFC 9112 §5, §2.2."""
    with pytest.raises(HttpError) as caught:
        check_field_line(line, 7)
    assert words in str(caught.value)


@given(st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b"") + b"\r\n"))
def test_line_is_accepted_by_both_checks_or_by_none(line: bytes) -> None:
    try:
        check_field_line(line, 0)
    except HttpError:
        assert scan(line) is None
    else:
        assert scan(line) is not None


@pytest.mark.parametrize("pair", [("a b", "c"), ("a", "b\r\nc: d"), ("a", "b\0"), ("", "a"), ("a", "€"), ("a:", "b")])
def test_field_that_would_split_the_head_is_not_written(pair: tuple[str, str]) -> None:
    """RFC 9110 §5.5: what goes out is as strict as what comes in."""
    with pytest.raises(UsageError):
        format_fields([pair])
