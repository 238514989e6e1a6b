"""The native scan of field lines and its specification agree on sound blocks, on mutated ones and on garbage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright._native import kernels
from netwright.proto.http1.scan import FIELDS, pure_scan, scan

pytestmark = pytest.mark.skipif(not kernels()["netwright.proto.http1._scan"], reason="kernel not built")
names = st.sampled_from([*FIELDS, "cookie", "x", "hosts", "hos", "content-lengths"]).flatmap(
    lambda name: st.sampled_from([name, name.upper(), name.title()])
)
values = st.one_of(
    st.sampled_from([b"", b" ", b"\t a \t", b"b" * 255, b" " + b"C" * 300, b"\xc4\xff"]), st.binary(max_size=6)
)
lines = st.builds(
    lambda name, value, end: name.encode() + b":" + value + end,
    names,
    values,
    st.sampled_from([b"\r\n"] * 9 + [b"\n", b"\r", b""]),
)


@given(st.lists(lines, max_size=6).map(b"".join))
def test_blocks_of_fields_give_equal_results(block: bytes) -> None:
    assert scan is not pure_scan
    assert scan(block) == pure_scan(block)


@given(st.binary(max_size=40))
def test_garbage_gives_equal_results(block: bytes) -> None:
    assert scan(block) == pure_scan(block)


@pytest.mark.parametrize("byte", range(256))
def test_every_byte_is_of_the_same_kind_in_a_name_and_in_a_value(byte: int) -> None:
    """RFC 9110 §5.6.2, §5.5."""
    for block in (b"a%bb: c\r\n", b"host: a%bc\r\n", b"%b"):
        whole = block % bytes([byte])
        assert scan(whole) == pure_scan(whole)
