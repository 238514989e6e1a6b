import gzip
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from netwright.core.errors import IncompleteError, ProtocolError, TransportError, UsageError
from netwright.watch.capture import Columns, analyse, open_capture
from netwright.watch.flow import Position
from netwright.watch.verdicts import Mode
from tests.support.corpora import corpus
from tests.support.frames import CLIENT, SERVER, block, pcap, pcapng
from tests.support.talk import Talk

TALK = Talk().handshake().client(30, 0, 0, 100).client(80, 0, 0, 100).server(100, 0, 100)


def _zstd(data: bytes) -> bytes:
    return bytes(pytest.importorskip("zstandard").ZstdCompressor().compress(data))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, _zstd])
@pytest.mark.parametrize("form", [pcap, pcapng])
@pytest.mark.parametrize("mode", ["exact", "wireshark"])
def test_every_form_of_a_file_gives_the_same_report(
    tmp_path: Path, pack: Callable[[bytes], bytes], form: Callable[..., bytes], mode: Mode
) -> None:
    path = tmp_path / "file"
    path.write_bytes(pack(form(TALK.frames)))
    report = analyse(path, mode)
    assert (report.packets, report.segments, report.opened, report.evicted, report.damage) == (6, 6, 1, 0, "")
    assert report.totals["retransmission"] == 1
    assert (report.data, report.again, report.started_at, report.ended_at) == (200, 100, 0.0, 0.1)
    (flow,) = report.flows
    assert (str(flow.client), str(flow.server), flow.retransmissions) == ("10.0.0.1:40000", "10.0.0.2:80", 1)


def test_stream_is_read_like_a_file() -> None:
    assert analyse(io.BytesIO(pcap(TALK.frames))).packets == 6
    assert analyse(io.BufferedReader(io.BytesIO(gzip.compress(pcap(TALK.frames))))).packets == 6


def test_file_larger_than_the_buffer_is_read_in_pieces(tmp_path: Path) -> None:
    frame = TALK.frames[3][1] + bytes(9000)
    path = tmp_path / "large.pcap"
    path.write_bytes(pcap([(at, frame) for at in range(200)]))
    assert analyse(path).packets == 200
    with open_capture(path) as capture:
        batches = list(capture.columns())
    assert sum(len(batch.flow) for batch in batches) == 200
    assert len(batches) > 5


def test_report_says_where_a_cut_file_ends(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    file = pcap(TALK.frames)[:-7]
    path.write_bytes(file)
    report = analyse(path)
    assert report.packets == 5
    assert report.damage == f"the file is cut behind byte {len(file)}: 49 bytes of its last record"


def test_broken_compression_ends_the_file_there(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap.gz"
    path.write_bytes(gzip.compress(pcap(TALK.frames))[:-9])
    assert "gzip stream cut at byte" in analyse(path).damage


def test_file_that_is_no_capture_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "picture.pcap"
    path.write_bytes(b"GIF89a" + bytes(40))
    with pytest.raises(
        ProtocolError,
        match=r"picture.pcap: not a .* bytes 47 49 46 38 at byte 0; pcap and pcapng can",
    ):
        analyse(path)


def test_file_that_cannot_be_opened_is_the_system_s_fault(tmp_path: Path) -> None:
    with pytest.raises(TransportError, match=r"absent.pcap: No such file"):
        analyse(tmp_path / "absent.pcap")


@pytest.mark.parametrize(("size", "told"), [(0, "empty"), (1, "1 bytes"), (3, "3 bytes")])
def test_file_that_ends_before_its_magic_number_is_no_capture(tmp_path: Path, size: int, told: str) -> None:
    path = tmp_path / "empty.pcap"
    path.write_bytes(pcap([])[:size])
    with pytest.raises(IncompleteError, match=f"empty.pcap: {told}, no capture file"):
        analyse(path)


def test_file_without_packets_is_an_empty_report() -> None:
    report = analyse(io.BytesIO(pcap([])))
    assert (report.as_dict()["packets"], report.damage) == (0, "")


def test_file_cut_inside_its_header_is_damaged() -> None:
    assert analyse(io.BytesIO(pcap([])[:4])).damage == "the file is cut behind byte 4: 4 bytes of its last record"


@pytest.mark.parametrize("left_out", [1, 4, 5, 20, 47])
def test_file_cut_inside_a_block_of_another_kind_is_damaged(left_out: int) -> None:
    statistics = block(5, bytes(36))
    report = analyse(io.BytesIO(pcapng(TALK.frames) + statistics[: len(statistics) - left_out]))
    assert report.packets == 6
    assert report.damage.startswith("the file is cut behind byte")


def test_packets_of_a_foreign_link_type_are_counted_not_passed_over() -> None:
    report = analyse(io.BytesIO(pcap(TALK.frames, link=127)))
    assert (report.packets, report.segments, report.unreadable) == (6, 0, {127: 6})
    assert analyse(io.BytesIO(pcap(TALK.frames))).unreadable == {}
    assert analyse(io.BytesIO(pcap([(0, b"\x45")]))).unreadable == {}


def test_segments_are_named_with_frame_ends_numbers_and_verdicts() -> None:
    with open_capture(io.BytesIO(pcap([(0, b"no TCP"), *TALK.frames]))) as capture:
        (segments,) = capture.segments()
    syn, _, _, first, again, answer = segments
    assert [segment.frame for segment in segments] == [2, 3, 4, 5, 6, 7]
    assert (str(syn.source), str(syn.target), syn.flags, syn.raw_seq) == (CLIENT, SERVER, ("SYN",), 1000)
    assert (first.seq, first.ack, first.length, first.from_client, first.verdicts) == (1, 1, 100, True, ())
    assert (again.seq, again.verdicts, again.at) == (1, ("retransmission", "tail_loss_probe"), 0.08)
    assert (answer.seq, answer.ack, answer.from_client, answer.rtt) == (1, 101, False, None)
    assert capture.report.totals["retransmission"] == 1


def test_report_waits_for_the_last_segment() -> None:
    capture = open_capture(io.BytesIO(pcap(TALK.frames)))
    with pytest.raises(UsageError, match="not read to its end"):
        _ = capture.report


def test_progress_is_told_in_bytes_of_the_file() -> None:
    file, seen = gzip.compress(pcap(TALK.frames)), list[int]()
    open_capture(io.BytesIO(file)).analyse(progress=seen.append)
    assert seen[-1] == len(file)


def test_capture_is_read_once() -> None:
    capture = open_capture(io.BytesIO(pcap(TALK.frames)))
    capture.analyse()
    with pytest.raises(UsageError, match="read already"):
        next(capture.columns())
    capture.close()


def test_columns_are_numpy_arrays_or_memory_views(monkeypatch: pytest.MonkeyPatch) -> None:
    numpy = pytest.importorskip("numpy")

    def columns() -> Columns:
        with open_capture(io.BytesIO(pcap(TALK.frames))) as capture:
            return next(capture.columns())

    arrays = columns()
    assert isinstance(arrays.flags, numpy.ndarray)
    monkeypatch.setitem(sys.modules, "numpy", None)
    views = columns()
    assert isinstance(views.flags, memoryview)
    for array, view in zip(arrays, views, strict=True):
        assert list(array) == list(view)


def test_report_is_json_and_names_a_mirrored_source() -> None:
    frames = [pair for frame in TALK.frames for pair in (frame, frame)]
    report = analyse(io.BytesIO(pcap(frames)))
    assert report.mirrored
    values = json.loads(json.dumps(report.as_dict()))
    assert values["mirrored"]
    assert values["positions"] == {Position.CLIENT.value: 1}


def test_reading_a_capture_needs_no_event_loop() -> None:
    code = "import netwright.watch.capture, sys; sys.exit('asyncio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_kernel_counters_are_met_from_the_sender_s_side() -> None:
    """TcpRetransSegs of the sending kernel in every scenario; its classes within 3 %."""
    home = corpus("kernel-truth")
    names = {"fast": "TCPFastRetrans", "tail_loss_probe": "TCPLossProbes", "slow_start": "TCPSlowStartRetrans"}
    wrong = total = 0
    for truth in sorted(home.glob("*.json")):
        for end, kernel in json.loads(truth.read_text()).items():
            report = analyse(home / f"{truth.stem}.{end}.pcap.gz")
            side = "forward" if end == "wa" else "backward"
            counts = [getattr(flow, side).counts for flow in report.flows]
            assert sum(count.get("retransmission", 0) for count in counts) == kernel.get("TcpRetransSegs", 0), truth
            for name, counter in names.items():
                seen = sum(count.get(name, 0) for count in counts)
                wrong += abs(seen - int(kernel.get(f"TcpExt{counter}", 0)))
            total += int(kernel.get("TcpRetransSegs", 0))
    assert total > 500
    assert wrong <= 0.03 * total
