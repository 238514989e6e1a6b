"""Make text from a peer, a handler or a file safe to print."""

import re

__all__ = ["escape"]

_UNSAFE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f"  # C0 without the tab, DEL, C1 (ECMA-48 control functions)
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # line separators, and letters that reorder a line (UAX #9)
    "\ud800-\udfff]"  # lone surrogates, which no terminal's encoding has
)


def escape(text: str) -> str:
    """Return ``text`` on one line, with every control, bidirectional or unencodable character escaped as in Python."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
