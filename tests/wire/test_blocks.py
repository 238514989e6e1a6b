import pytest

from netwright.core.errors import IncompleteError, ProtocolError
from netwright.wire.blocks import Block, CaptureParser, Interface, OpaqueBlock, Record


class Toy(CaptureParser):
    """Blocks of one length byte and so many bytes; length 255 is broken."""

    def _begun(self) -> bool:
        return True

    def _read(self, data: bytes, at: int, found: list[Block]) -> int:
        if at == len(data):
            return -1
        if data[at] == 255:
            raise ProtocolError(f"255 at byte {self._start + at}")
        if len(data) - at <= data[at]:
            return -1 - data[at]
        found.append(OpaqueBlock(0, data[at + 1 : at + 1 + data[at]]))
        return 1 + data[at]


def test_blocks_come_before_the_error_behind_them() -> None:
    parser = Toy()
    assert parser.receive(b"\x01a\xff") == [OpaqueBlock(0, b"a")]
    for _ in range(2):
        with pytest.raises(ProtocolError, match="255 at byte 2"):
            parser.receive(b"more")
        with pytest.raises(ProtocolError, match="255 at byte 2"):
            parser.finish()


def test_an_error_in_front_is_raised_at_once() -> None:
    parser = Toy()
    with pytest.raises(ProtocolError):
        parser.receive(b"\xff")


def test_finish_names_what_is_missing() -> None:
    parser = Toy()
    assert parser.receive(b"\x01a\x03b") == [OpaqueBlock(0, b"a")]
    assert repr(parser) == "<Toy at byte 2, 2 waiting>"
    with pytest.raises(IncompleteError, match="2 of 4 bytes at byte 2") as caught:
        parser.finish()
    assert caught.value.partial == b"\x03b"


def test_a_record_counts_what_the_snap_length_cut() -> None:
    interface = Interface(1)
    assert Record(0, b"1234", 10, interface).missing == 6
    assert Record(0, b"1234", 4, interface).missing == 0
