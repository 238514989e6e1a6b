"""netwright.sim.recording: packets as they pass, with comments."""

from netwright.core.moment import Kind, Moment
from netwright.sim.recording import INBOUND, OUTBOUND, Recording, comments_of
from netwright.wire.blocks import Record
from netwright.wire.pcapng import PcapngParser


def records(pieces: list[bytes]) -> list[Record]:
    parser = PcapngParser()
    found = [block for block in parser.receive(b"".join(pieces)) if isinstance(block, Record)]
    parser.finish()
    return found


def test_a_packet_has_its_time_its_way_and_its_reasons() -> None:
    pieces: list[bytes] = []
    recording = Recording(pieces.append, name="tun0", epoch=1000.0)
    recording.packet(2.5, b"one", outbound=True, reasons=[Moment(2.5, Kind.PROBE, 0, "tail")], fate="lost: at sea")
    recording.packet(2.6, b"two", outbound=False)
    first, second = records(pieces)
    assert (first.at_ns, first.data, first.flags) == (1_002_500_000_000, b"one", OUTBOUND)
    assert first.comments == ("probe: tail", "lost: at sea")
    assert (second.flags, second.comments, second.interface.name) == (INBOUND, (), "tun0")


def test_the_file_is_bounded_and_has_no_gap() -> None:
    pieces: list[bytes] = []
    recording = Recording(pieces.append, limit=10)
    for size in (6, 6, 2):
        recording.packet(0.0, bytes(size), outbound=True)
    assert [len(record.data) for record in records(pieces)] == [6]
    assert recording.lost == 2


def test_a_moment_without_note_is_its_kind() -> None:
    assert comments_of([Moment(0.0, Kind.LOST)]) == ("lost",)
