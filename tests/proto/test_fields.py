import pytest

from netwright.core.errors import UsageError
from netwright.proto.fields import NO_FIELDS, Fields, check_pair, is_token

TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def test_lookup_does_not_mind_the_case_and_joins_lines() -> None:
    """RFC 9110 §5.1, §5.3."""
    fields = Fields.of_block(b"Accept: a\r\nHost:b\r\naccept:  c \t\r\n")
    assert fields["ACCEPT"] == "a, c"
    assert fields.get_all("accept") == ["a", "c"]
    assert (list(fields), len(fields), "host" in fields, fields.get("x")) == (["accept", "host"], 2, True, None)
    with pytest.raises(KeyError):
        fields["x"]


def test_list_has_its_members_without_empty_ones() -> None:
    """RFC 9110 §5.6.1."""
    assert Fields.of_block(b"Connection: , Close ,,\tupgrade\r\nconnection: x\r\n").tokens("connection") == [
        "close",
        "upgrade",
        "x",
    ]


def test_fields_made_of_pairs_are_those_of_the_lines() -> None:
    """One type for every version of HTTP."""
    made = Fields([("Accept", "a"), ("host", "b"), ("accept", "c")])
    read = Fields.of_block(b"Accept: a\r\nhost: b\r\naccept: c\r\n")
    assert made.pairs == read.pairs
    assert (made["ACCEPT"], made.get_all("Accept"), made.tokens("accept")) == ("a, c", ["a", "c"], ["a", "c"])
    assert Fields({"X": "y"}).pairs == (("x", "y"),)
    assert NO_FIELDS.pairs == ()


@pytest.mark.parametrize(
    "fields", [Fields([("cookie", "a=1"), ("Cookie", "b=2")]), Fields.of_block(b"Cookie: a=1\r\ncookie: b=2\r\n")]
)
def test_lines_of_cookie_are_joined_by_a_semicolon(fields: Fields) -> None:
    """RFC 9113 §8.2.3."""
    assert fields["Cookie"] == "a=1; b=2"


@pytest.mark.parametrize(
    ("name", "value"), [("a b", "c"), ("", "c"), ("a:", "c"), ("a", "b\r\nc: d"), ("a", "b\0"), ("a", "€")]
)
def test_pair_that_is_no_field_is_a_mistake_of_the_caller(name: str, value: str) -> None:
    """RFC 9110 §5.1, §5.5."""
    with pytest.raises(UsageError, match="RFC 9110 §5"):
        Fields([(name, value)])
    with pytest.raises(UsageError):
        check_pair(name, value)


def test_token_is_one_or_more_of_its_characters() -> None:
    """RFC 9110 §5.6.2."""
    assert is_token(TOKEN_CHARACTERS.encode())
    assert not any(is_token(name) for name in (b"", b"a b", b"a\n", b"(", b"\x80"))
