from collections.abc import Callable

import pytest

from netwright.proto.http1.scan import FIELDS, Found, pure_scan, scan


@pytest.mark.parametrize("either", [scan, pure_scan])
def test_fields_that_frame_a_message_are_found_in_order(either: Callable[[bytes], tuple[int, Found] | None]) -> None:
    """RFC 9112 §6."""
    block = b"Host: A.Example \r\nx-host: no\r\nCONNECTION:\tClose, \xc4\r\nhost:b\r\n"
    scanned = either(block + b"Upgrade:\r\nexpect: 100-Continue\r\n")
    assert scanned is not None
    lines, found = scanned
    assert lines == 6
    assert dict(zip(FIELDS, found, strict=True)) == {
        "host": ["a.example", "b"],
        "content-length": [],
        "transfer-encoding": [],
        "connection": ["close, \xc4"],
        "expect": ["100-continue"],
        "upgrade": [""],
    }
