"""``python -m benchmarks.pcap``: a capture of four million packets read in a new process, beside tcptrace and tshark.

Ours is the whole life of ``python -c "...analyse(path)"`` in mode "exact": interpreter, imports, every flow judged.
tcptrace (``-n -l -r``: statistics of every connection) reads the same file.  tshark prints its 15 analysis flags; it
reads two heads of the file, and the difference is taken, so that its start does not count against it.  dpkt and scapy,
which only decode, stand beside.
All figures are processor time, user and system: each of these programs works on one core, and a shared machine's other
work does not count.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import pack

from benchmarks.support.claim import Claim, SkipError, run, say

ADDRESS, SECOND = b"\x0a\xfe\xfe\xfe", b"\xde\xc0\xfe\x5a"  # of the template: replaced in every copy
SERVER = bytes((10, 0, 0, 2))
SNAP, MSS = 96, 1448
FLAGS = (
    *("retransmission", "fast_retransmission", "spurious_retransmission", "out_of_order", "lost_segment"),
    *("ack_lost_segment", "duplicate_ack", "zero_window", "window_full", "window_update", "keep_alive"),
    *("keep_alive_ack", "zero_window_probe", "zero_window_probe_ack", "reused_ports"),
)
OURS = "import sys; from netwright.watch.capture import analyse; r = analyse(sys.argv[1]); print(r, r.totals)"
DPKT = (
    "import dpkt, sys\n"
    "for at, frame in dpkt.pcap.Reader(open(sys.argv[1], 'rb')): dpkt.ethernet.Ethernet(frame).data.data.seq"
)
SCAPY = (
    "import sys\nfrom scapy.utils import PcapReader\nfrom scapy.layers.inet import TCP\nimport scapy.layers.l2\n"
    "for packet in PcapReader(sys.argv[1]): packet[TCP].seq"
)


class Flow:
    """One connection of the template: request, response with losses that SACK repairs, ordered close."""

    def __init__(self, port: int, start: int, segments: int, chance: random.Random) -> None:
        self.port, self.chance, self.packets, self.idents = port, chance, list[tuple[int, bytes]](), [1, 1]
        self.seqs, self.at = [chance.getrandbits(32), chance.getrandbits(32)], start
        self._send(0, 0x02, size=0)
        self._send(1, 0x12, size=0)
        self._send(0, 0x10)
        self._send(0, 0x18, size=300)
        for number in range(segments):
            self._response(number)
        for side in (1, 0):
            self._send(side, 0x11)
        self._send(1, 0x10)

    def _response(self, number: int) -> None:
        if self.chance.random() < 0.005:
            lost = self.seqs[1]
            self.seqs[1] += MSS
            for _ in range(3):
                first = self.seqs[1]
                self._send(1, 0x10, size=MSS)
                self._send(0, 0x10, ack=lost, sack=(first, self.seqs[1]))
            self._send(1, 0x10, size=MSS, seq=lost)
        else:
            self._send(1, 0x10, size=MSS)
        if number % 2:
            self._send(0, 0x10)

    def _send(
        self, side: int, flags: int, *, size: int = 0, seq: int = -1, ack: int = -1, sack: tuple[int, int] | None = None
    ) -> None:
        options = b"\x01\x01\x08\x0a" + pack("!II", self.at // 1000, self.at // 1000)
        if sack is not None:
            options += b"\x01\x01\x05\x0a" + pack("!II", *(edge % 2**32 for edge in sack))
        here, peer = self.seqs[side] if seq < 0 else seq, self.seqs[1 - side] if ack < 0 else ack
        ports = (self.port, 80) if side == 0 else (80, self.port)
        offset = (5 + len(options) // 4) << 12
        segment = pack("!HHIIHHHH", *ports, here % 2**32, peer % 2**32, offset | flags, 60000, 0, 0) + options
        ends = ADDRESS + SERVER if side == 0 else SERVER + ADDRESS
        length = 20 + len(segment) + size
        self.idents[side] += 1
        head = pack("!BBHHHBBH", 0x45, 0, length, self.idents[side] & 0xFFFF, 0x4000, 64, 6, 0)
        frame = (bytes(12) + b"\x08\x00" + head + ends + segment + bytes(min(size, SNAP)))[:SNAP]
        self.packets.append((self.at, SECOND + pack("<III", self.at, len(frame), 14 + length) + frame))
        if seq < 0:
            self.seqs[side] += size + (flags & 3 != 0)
        self.at += self.chance.randrange(20, 120)


def template(flows: int, segments: int) -> tuple[bytes, int]:
    """One second of interleaved connections, and how many packets that is."""
    chance = random.Random(1)
    packets = [
        packet
        for number in range(flows)
        for packet in Flow(1024 + number, chance.randrange(900_000), segments, chance).packets
    ]
    packets.sort(key=lambda packet: packet[0])
    return b"".join(record for _, record in packets), len(packets)


def write(path: Path, seconds: int, block: bytes) -> None:
    """A capture of ``seconds`` copies of the template, each of another client."""
    with path.open("wb") as file:
        file.write(pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAP, 1))
        for number in range(seconds):
            client = bytes((10, 1 + number // 250, number % 250, 1))
            file.write(block.replace(ADDRESS, client).replace(SECOND, pack("<I", 1_700_000_000 + number)))


@dataclass(frozen=True, slots=True)
class Run:
    """The life of one process: seconds of processor time, resident bytes at most."""

    seconds: float
    memory: int


def timed(command: Sequence[str], *, times: int = 1) -> Run:
    """The best of ``times``; output is thrown away, but written as the program would."""
    runs = []
    for _ in range(times):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SkipError(f"{command[0]}: exit status {process.returncode}")
        runs.append(Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024))
    return min(runs, key=lambda run: run.seconds)


def program(name: str) -> str:
    """Path of a peer."""
    path = shutil.which(name)
    if path is None:
        raise SkipError(f"{name} is not installed")
    return path


def tshark(path: Path) -> list[str]:
    """It prints every flag of every TCP packet."""
    fields = [word for name in FLAGS for word in ("-e", f"tcp.analysis.{name}")]
    return [program("tshark"), "-n", "-o", "tcp.desegment_tcp_streams:FALSE", "-r", str(path), "-T", "fields", *fields]


def measure(seconds: int) -> Iterable[Claim]:
    """Ours, tcptrace, tshark, our memory; then the decoders."""
    block, each = template(40, 80)
    with tempfile.TemporaryDirectory(prefix="netwright-pcap-") as folder:
        whole, short, head = (Path(folder) / f"{name}.pcap" for name in ("whole", "short", "head"))
        for path, size in ((whole, seconds), (short, 2), (head, 10)):
            write(path, size, block)
        packets = each * seconds
        say(f"{packets} packets, {40 * seconds} connections, {whole.stat().st_size // 10**6} MB")
        ours = timed([sys.executable, "-c", OURS, str(whole)], times=5)
        each_ours = ours.seconds / packets * 1e9
        _tell("netwright", each_ours, ours.memory)
        trace = timed([program("tcptrace"), "-n", "-l", "-r", str(whole)], times=3)
        _tell("tcptrace -n -l -r", trace.seconds / packets * 1e9, trace.memory)
        long, start = timed(tshark(head)), timed(tshark(short))
        each_tshark = (long.seconds - start.seconds) / (8 * each) * 1e9
        _tell("tshark, 15 flags", each_tshark, long.memory)
        for name, code in (("dpkt", DPKT), ("scapy", SCAPY)):
            _decoder(name, code, short, 2 * each)
        yield Claim("capture analysis against tcptrace, ns/packet", each_ours, trace.seconds / packets * 1e9, 1 / 8)
        yield Claim("capture analysis against tshark, ns/packet", each_ours, each_tshark, 1 / 200)
        yield Claim("capture analysis, resident memory against a bound of 64, MB", ours.memory / 2**20, 64.0, 1.0)


def _decoder(name: str, code: str, path: Path, packets: int) -> None:
    try:
        result = timed([sys.executable, "-c", code, str(path)])
    except SkipError:
        say(f"{name:18} not installed here")
        return
    _tell(f"{name}, decoding", result.seconds / packets * 1e9, result.memory)


def _tell(name: str, nanoseconds: float, memory: int) -> None:
    say(f"{name:18} {nanoseconds:10.1f} ns/packet {1e6 / nanoseconds:10.1f} kpps {memory // 2**20:6} MB")


def main() -> int:
    """Exit status 0 if every goal is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=800, help="copies of the template, about 5,000 packets each")
    options = parser.parse_args()
    return run(lambda: measure(options.seconds))


if __name__ == "__main__":
    sys.exit(main())
