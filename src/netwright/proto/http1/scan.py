"""One look at a block of field lines: is each one well-formed, and what do they say about the message's length.

``_scan.pyx`` beside it is the native twin; a client that changes a cookie in each request is what it is for.
"""

import re
from typing import TypeAlias

from netwright._native import enabled
from netwright.proto.http1.fields import FIELD_LINE

__all__ = ["FIELDS", "Found", "pure_scan", "scan"]

_BLOCK = re.compile(rb"(?:%b)*" % FIELD_LINE)
FIELDS = ("host", "content-length", "transfer-encoding", "connection", "expect", "upgrade")
_PLACES = {name: place for place, name in enumerate(FIELDS)}
_FIELD = re.compile(rf"\n({'|'.join(FIELDS)}):[ \t]*+([^\r]*)")  # of a block in lower case

# Values of each of FIELDS, in order, in lower case, without the white space around.
Found: TypeAlias = tuple[list[str], list[str], list[str], list[str], list[str], list[str]]


def scan(block: bytes) -> tuple[int, Found] | None:
    """Number of lines and what was found; None if a line is not well-formed (RFC 9112 §5)."""
    if not _BLOCK.fullmatch(block):
        return None
    found: Found = ([], [], [], [], [], [])
    for name, value in _FIELD.findall((b"\n" + block.lower()).decode("latin-1")):
        found[_PLACES[name]].append(value.rstrip(" \t"))
    return block.count(b"\n"), found


pure_scan = scan

if enabled("netwright.proto.http1._scan"):
    from netwright.proto.http1._scan import scan as scan
