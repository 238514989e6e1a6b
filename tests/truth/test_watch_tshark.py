"""Public captures with packets dropped, doubled, swapped, and times moved: mode "wireshark" against tshark itself."""

import random
import shutil
import subprocess
from pathlib import Path
from struct import unpack

import pytest

from netwright.watch.capture import Engine
from netwright.watch.records import Records
from netwright.watch.verdicts import WIRESHARK
from tests.support.corpora import captures
from tests.support.frames import pcap
from tests.watch.test_engine import read

pytestmark = [pytest.mark.truth, pytest.mark.timeout(120)]
Frames = list[tuple[int, bytes]]


def _version() -> str:
    program = shutil.which("tshark")
    if program is None:
        pytest.skip("tshark is not installed")
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]


def _garbled(frames: Frames, chance: random.Random) -> Frames:
    """What a bad path and a bad clock make of a capture."""
    found: Frames = []
    for at, frame in frames:
        if chance.random() < 0.05:
            continue
        moved = chance.choice((-1, 1)) * chance.choice((10**3, 10**6, 2 * 10**7)) if chance.random() < 0.05 else 0
        found.append((max(at + moved, 0), frame))
        if chance.random() < 0.05:
            found.insert(max(0, len(found) - chance.randrange(1, 6)), (at, frame))
    for index in range(len(found) - 2):
        if chance.random() < 0.05:
            (at, frame), (other, second) = found[index], found[index + 1]
            found[index], found[index + 1] = (at, second), (other, frame)
    return found


def _tshark(path: Path) -> dict[int, int]:
    """Flags by packet number, of TCP packets."""
    fields = [word for name in WIRESHARK for word in ("-e", f"tcp.analysis.{name}")]
    command = ["tshark", "-n", "-o", "tcp.desegment_tcp_streams:FALSE", "-r", str(path), "-Y", "tcp", "-T", "fields"]
    command += ["-E", "separator=,", "-E", "occurrence=f", "-e", "frame.number", *fields]
    lines = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50).stdout.splitlines()
    rows = (line.split(",") for line in lines)
    return {int(row[0]): sum(bool(value) << bit for bit, value in enumerate(row[1:])) for row in rows}


@pytest.mark.parametrize("seed", range(12))
def test_garbled_captures_get_tshark_s_flags(seed: int, tmp_path: Path) -> None:
    if " 4.0." not in _version():
        pytest.skip("the rules are those of Wireshark 4.0")
    chance, path = random.Random(seed), tmp_path / "garbled.pcap"
    source = chance.choice([path for path in captures() if 2_000 < path.stat().st_size < 100_000])
    records = [record for record in Records().feed(read(source))[1] if len(record[0]) == record[1]]
    links = {link for *_, link in records}
    frames = _garbled([(at, frame) for frame, _, at, link in records if link == min(links)], chance)
    path.write_bytes(pcap(frames, link=min(links)))
    engine = Engine("wireshark", columns=True)
    engine.feed(path.read_bytes())
    wanted = _tshark(path)
    flags = unpack(f"{engine.packets}I", engine.take_columns()[1])
    ours = {number: flags[number - 1] | (flags[number - 1] & 6 != 0) for number in wanted}
    assert ours == wanted, source.name
