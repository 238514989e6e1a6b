"""Foreign text on one line."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from netwright.run.text import escape


def test_every_control_and_every_reordering_character_is_escaped() -> None:
    """Walks all of Unicode: Cc without the tab, Cs, the line separators, UAX #9's bidirectional controls."""
    bidirectional = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    marks = {"\u200e", "\u200f", "\u061c"}
    for number in range(0x110000):
        letter = chr(number)
        unsafe = unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") and letter != "\t"
        unsafe = unsafe or unicodedata.bidirectional(letter) in bidirectional or letter in marks
        assert (escape(letter) != letter) == unsafe, hex(number)


@given(st.text())
def test_escaped_text_is_one_line_that_can_be_encoded(text: str) -> None:
    said = escape(text)
    assert len(said.splitlines()) <= 1
    said.encode()
    assert escape(said) == said
