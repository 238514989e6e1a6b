"""Two real Linux stacks with a bad path between them: each host is a process in a network namespace of its own, the
path is a third process between their TUN devices, the truth is what the kernels counted.  Needs root and /dev/net/tun.

``run(Scenario(...))`` gives both captures (by AF_PACKET, with the kernel's time stamps), both sets of MIB counters, and
what the path did.  Nothing leaves the namespaces, and they end with the processes.
"""

import contextlib
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

HOSTS = {"client": "10.78.0.1", "server": "10.78.0.2"}
_CLONE_NEWNET, _TUNSETIFF, _TUN_NO_PI = 0x40000000, 0x400454CA, 0x1001
_SO_TIMESTAMPNS, _SO_RCVBUFFORCE, _SOL_PACKET, _PACKET_STATISTICS, _ALL = 35, 33, 263, 6, 0x0003
PORT = 5001


@dataclass(frozen=True)
class Way:
    """One direction of the path: seconds, shares, bytes a second (0 is unlimited), bytes."""

    delay: float = 0.01
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0  # share that is delayed by ``late`` more
    late: float = 0.006
    rate: float = 0.0
    queue: int = 1 << 30


@dataclass(frozen=True)
class Scenario:
    """A path and the traffic over it; ``there`` is from client to server."""

    name: str
    there: Way = field(default_factory=Way)
    back: Way = field(default_factory=Way)
    connections: int = 60
    parallel: int = 6
    congestion: str = "cubic"
    slow_reader: bool = False
    seed: int = 1


@dataclass(frozen=True)
class Result:
    """Paths of the captures, MIB counters, and the path's own counts, by host."""

    captures: dict[str, Path]
    counters: dict[str, dict[str, int]]
    path: dict[str, dict[str, int]]
    dropped: int  # packets that the captures missed: 0, or the rest is no truth


@contextlib.contextmanager
def run(scenario: Scenario, *, timeout: float = 50.0) -> Iterator[Result]:
    """Play a scenario to its end; the captures are there while the context is."""
    with tempfile.TemporaryDirectory(prefix="netwright-lab-") as folder, contextlib.ExitStack() as stack:
        control: dict[str, socket.socket] = {}
        for role in HOSTS:
            ours, theirs = (stack.enter_context(end) for end in socket.socketpair())
            command = [sys.executable, "-m", "tests.truth.lab", role, str(theirs.fileno()), folder]
            process = subprocess.Popen([*command, json.dumps(asdict(scenario))], pass_fds=[theirs.fileno()])
            stack.callback(process.wait)
            stack.callback(process.kill)
            ours.settimeout(timeout)
            theirs.close()
            control[role] = ours
        tuns = {role: _receive_fd(end) for role, end in control.items()}
        path = Path(folder) / "path.json"
        box = os.fork()
        if box == 0:
            _box(tuns["client"], tuns["server"], scenario, path, [end.fileno() for end in control.values()])
        stack.callback(os.waitpid, box, 0)
        stack.callback(os.kill, box, signal.SIGTERM)
        for fd in tuns.values():
            os.close(fd)
        for role in ("server", "client"):
            control[role].sendall(b"go")
            _line(control[role])
        results = {role: _finish(control[role]) for role in ("client", "server")}
        os.kill(box, signal.SIGUSR1)  # the path writes its counts and goes on
        _wait_for(path, timeout=5.0)
        yield Result(
            captures={role: Path(folder) / f"{role}.pcap" for role in HOSTS},
            counters={role: result["counters"] for role, result in results.items()},
            path=json.loads(path.read_text()),
            dropped=sum(result["dropped"] for result in results.values()),
        )


def _receive_fd(control: socket.socket) -> int:
    _, fds, _, _ = socket.recv_fds(control, 16, 1)
    if not fds:
        raise RuntimeError("a host of the lab did not start")
    return fds[0]


def _line(control: socket.socket) -> dict[str, Any]:
    data = b""
    while not data.endswith(b"\n"):
        more = control.recv(65536)
        if not more:
            raise RuntimeError("a host of the lab ended early")
        data += more
    return dict(json.loads(data))


def _finish(control: socket.socket) -> dict[str, Any]:
    control.sendall(b"stop")
    return _line(control)


def _wait_for(path: Path, *, timeout: float) -> None:
    end = time.monotonic() + timeout
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.01)


# ---- the path


class _Lane:
    """One direction: decides each packet's fate and keeps those under way."""

    def __init__(self, way: Way, seed: int, target: int) -> None:
        self.way, self.target = way, target
        self.random = random.Random(seed)
        self.under_way: list[tuple[float, int, bytes]] = []
        self.free_at = 0.0
        names = ("in", "lost", "queue_dropped", "duplicated", "reordered", "overtaken", "out")
        self.counts = dict.fromkeys(names, 0)
        self.last: dict[bytes, int] = {}  # number of the last packet that left, by its ports

    def take(self, packet: bytes, now: float) -> None:
        way, chance, counts = self.way, self.random.random, self.counts
        counts["in"] += 1
        if chance() < way.loss:
            counts["lost"] += 1
            return
        start = now
        if way.rate:
            start = max(now, self.free_at)
            if (start - now) * way.rate > way.queue:
                counts["queue_dropped"] += 1
                return
            start += len(packet) / way.rate
            self.free_at = start
        due = start + way.delay
        if chance() < way.reorder:
            counts["reordered"] += 1
            due += way.late
        heapq.heappush(self.under_way, (due, counts["in"], packet))
        if chance() < way.duplicate:
            counts["duplicated"] += 1
            heapq.heappush(self.under_way, (due + 0.001, counts["in"], packet))

    def give(self, now: float) -> float:
        """Deliver what is due; when the next one is."""
        while self.under_way and self.under_way[0][0] <= now:
            _, number, packet = heapq.heappop(self.under_way)
            ports = packet[20:24]
            self.counts["overtaken"] += number < self.last.get(ports, 0)
            self.last[ports] = max(number, self.last.get(ports, 0))
            with contextlib.suppress(OSError):
                os.write(self.target, packet)
                self.counts["out"] += 1
        return self.under_way[0][0] if self.under_way else now + 0.1


def _box(client: int, server: int, scenario: Scenario, report: Path, others: list[int]) -> None:
    for fd in others:
        os.close(fd)
    lanes = {
        client: _Lane(scenario.there, scenario.seed, server),
        server: _Lane(scenario.back, scenario.seed + 1, client),
    }

    def tell(*_: object) -> None:
        text = json.dumps({"there": lanes[client].counts, "back": lanes[server].counts})
        report.with_suffix(".part").write_text(text)
        report.with_suffix(".part").rename(report)

    signal.signal(signal.SIGUSR1, tell)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    poller = select.poll()
    for fd in lanes:
        os.set_blocking(fd, False)
        poller.register(fd, select.POLLIN)
    next_at = 0.0
    while True:
        poller.poll(max(next_at - time.monotonic(), 0) * 1e3)
        for fd, lane in lanes.items():
            with contextlib.suppress(BlockingIOError, OSError):
                for _ in range(64):
                    lane.take(os.read(fd, 65536), time.monotonic())
        next_at = min(lane.give(time.monotonic()) for lane in lanes.values())


# ---- a host


def _host(role: str, control: socket.socket, folder: Path, scenario: dict[str, Any]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", b"path", _TUN_NO_PI))
    peer = next(address for name, address in HOSTS.items() if name != role)
    for command in (
        f"addr add {HOSTS[role]} peer {peer} dev path",
        "link set path mtu 1500 txqueuelen 10000 up",
        "link set lo up",
    ):
        subprocess.run(["ip", *command.split()], check=True)
    Path("/proc/sys/net/ipv4/tcp_no_metrics_save").write_text("1")
    socket.send_fds(control, [b"tun"], [tun])
    os.close(tun)
    control.recv(2)
    capture = _Capture(folder / f"{role}.pcap")
    if role == "server":
        _serve(scenario["congestion"], slow=scenario["slow_reader"])
    else:
        _visit(scenario)
    control.sendall(b"{}\n")
    control.recv(4)
    time.sleep(0.3)
    dropped = capture.stop()
    control.sendall(json.dumps({"counters": counters(), "dropped": dropped}).encode() + b"\n")
    control.recv(1)


def counters() -> dict[str, int]:
    """Tcp and TcpExt of this network namespace, zeros left out."""
    found: dict[str, int] = {}
    for name in ("snmp", "netstat"):
        lines = Path("/proc/self/net", name).read_text().splitlines()
        for titles, values in zip(lines[::2], lines[1::2], strict=True):
            group = titles.partition(":")[0]
            if group in ("Tcp", "TcpExt"):
                pairs = zip(titles.split()[1:], values.split()[1:], strict=True)
                found |= {group + title: int(value) for title, value in pairs if value != "0"}
    return found


class _Capture:
    """Everything that passes the device, with the kernel's time stamps, as a pcap file of raw IP."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 64 << 20)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.bind(("path", _ALL))
        self._socket.settimeout(0.1)
        self._path, self._ended = path, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with self._path.open("wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 101))
            while True:
                try:
                    packet, ancillary, _, _ = self._socket.recvmsg(65536, 64)
                except TimeoutError:
                    if self._ended.is_set():
                        return
                    continue
                seconds, part = struct.unpack("qq", ancillary[0][2])
                file.write(struct.pack("<IIII", seconds, part, min(len(packet), 120), len(packet)) + packet[:120])

    def stop(self) -> int:
        self._ended.set()
        self._thread.join()
        _, dropped = struct.unpack("II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        return int(dropped)


def _serve(congestion: str, *, slow: bool) -> None:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if slow:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, congestion.encode())
    listener.bind(("0.0.0.0", PORT))
    listener.listen(100)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(20)
            up, down, pause = struct.unpack("!III", _read(connection, 12))
            if slow:
                time.sleep(0.3)
            _read(connection, up, nap=0.02 if slow else 0.0)
            _write(connection, down, pause / 1e3)
            connection.recv(1)

    threading.Thread(target=accept, daemon=True).start()


def _visit(scenario: dict[str, Any]) -> None:
    chance = random.Random(scenario["seed"])
    ups, downs, pauses = (50, 3_000, 40_000, 150_000), (50, 3_000, 60_000, 250_000), (0, 0, 40)
    plans = [tuple(map(chance.choice, (ups, downs, pauses))) for _ in range(scenario["connections"])]

    def visit(plan: tuple[int, ...]) -> None:
        up, down, pause = plan
        with contextlib.suppress(OSError), socket.create_connection((HOSTS["server"], PORT), timeout=20) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, scenario["congestion"].encode())
            connection.sendall(struct.pack("!III", up, down, pause))
            _write(connection, up, pause / 1e3)
            _read(connection, down)

    with ThreadPoolExecutor(scenario["parallel"]) as pool:
        list(pool.map(visit, plans))


def _read(connection: socket.socket, size: int, nap: float = 0.0) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 16384))
        if not piece:
            raise OSError("ended early")
        data += piece
        if nap:
            time.sleep(nap)
    return bytes(data)


def _write(connection: socket.socket, size: int, pause: float) -> None:
    pieces = 8 if pause else 1
    for index in range(pieces):
        connection.sendall(bytes(size // pieces + (size % pieces if index == 0 else 0)))
        time.sleep(pause)


if __name__ == "__main__":
    _host(sys.argv[1], socket.socket(fileno=int(sys.argv[2])), Path(sys.argv[3]), json.loads(sys.argv[4]))
    os._exit(0)  # its threads serve for ever
