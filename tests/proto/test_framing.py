"""Every framing: any split gives the same messages, garbage gives a named error or nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import UsageError
from netwright.proto.framing import Delimited, Framing, LengthPrefixed, Lines, Struct, Varint
from tests.support.framings import decoded

FRAMINGS: list[Framing[Any]] = [
    Delimited(b"\r\n", limit=40),
    Delimited(b"aab", limit=40),
    Lines(limit=40),
    LengthPrefixed(1, limit=40),
    LengthPrefixed(2, "little", limit=40),
    LengthPrefixed(4, includes_header=True, limit=40),
    LengthPrefixed(8, limit=40),
    Varint(limit=40),
    Struct("!IHH"),
]
_BYTES = st.binary(max_size=60) | st.text("ab\r\n", max_size=60).map(str.encode)


@given(st.sampled_from(FRAMINGS), _BYTES, st.lists(st.integers(0, 60)))
def test_any_split_gives_the_same_messages_and_garbage_a_named_error(
    framing: Framing[Any], data: bytes, cuts: list[int]
) -> None:
    ends = [*sorted(min(cut, len(data)) for cut in cuts), len(data)]
    split = [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    assert decoded(framing, split) == decoded(framing, [data])


@given(st.sampled_from(FRAMINGS), st.lists(st.binary(max_size=40)))
def test_what_was_encoded_is_decoded(framing: Framing[Any], messages: list[bytes]) -> None:
    values: list[Any] = messages
    if isinstance(framing, Struct):
        values = [(len(message), index % 65536, 7) for index, message in enumerate(messages)]
    elif isinstance(framing, Delimited):
        values = [message.replace(framing.delimiter[:1], b"") for message in messages]
    elif isinstance(framing, Lines):
        values = [message.replace(b"\n", b"").rstrip(b"\r") for message in messages]
    wire = b"".join(part for value in values for part in framing.encode(value))
    assert decoded(framing, [wire]) == (values, "", b"")


@pytest.mark.parametrize("framing", [framing for framing in FRAMINGS if not isinstance(framing, Struct)], ids=repr)
@pytest.mark.parametrize("size", [40, 41])
def test_message_at_the_limit_passes_and_one_byte_more_does_not(framing: Framing[bytes], size: int) -> None:
    wire = b"".join(framing.encode(b"x" * size))
    for chunks in ([wire], [bytes([byte]) for byte in wire]):
        messages, error, _ = decoded(framing, chunks)
        assert (messages, error) == (([b"x" * 40], "") if size == 40 else ([], "LimitError"))


@pytest.mark.parametrize(
    ("framing", "wire"),
    [
        (LengthPrefixed(2, includes_header=True), b"\0\1"),  # does not include its own header
        (Varint(), b"\x80" * 10),  # no end within 64 bits
        (Varint(), b"\x85\0"),  # two bytes for a value that needs one: a second way to say the same
    ],
)
def test_length_that_cannot_be_is_the_peers_error(framing: Framing[bytes], wire: bytes) -> None:
    assert decoded(framing, [wire])[1] == "ProtocolError"


@pytest.mark.parametrize(("size", "head"), [(0, b"\0"), (127, b"\x7f"), (128, b"\x80\1"), (300, b"\xac\2")])
def test_varint_is_base_128_low_groups_first(size: int, head: bytes) -> None:
    """Protobuf encoding, "Base 128 Varints": 300 is ac 02."""
    assert Varint().encode(bytes(size)) == (head, bytes(size))


@pytest.mark.parametrize(
    ("framing", "message"),
    [(Delimited(b";"), b"a;b"), (Lines(), b"a\nb"), (LengthPrefixed(1), bytes(256)), (Struct("!B"), (256,))],
)
def test_message_that_the_framing_cannot_carry_is_the_callers_error(framing: Framing[Any], message: Any) -> None:
    with pytest.raises(UsageError):
        framing.encode(message)


def test_framing_that_cannot_be_is_the_callers_error() -> None:
    for make in (lambda: Delimited(b""), lambda: Struct("!?!"), lambda: Struct(""), lambda: LengthPrefixed(3)):  # type: ignore[arg-type]
        with pytest.raises(UsageError):
            make()
