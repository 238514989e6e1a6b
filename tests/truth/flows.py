"""Bulk transfers between real Linux stacks, many at once in one process: each flow has two network namespaces, two TUN
devices, and between them the very ``Link`` that the simulator uses, on the real clock.  Needs root and /dev/net/tun.

One thread is the path of every flow and both its programs; sockets and devices keep their namespaces alive, nothing
else does.  How late the path was is measured and reported with every result, for that is the lab's own error.
"""

import ctypes
import fcntl
import gc
import os
import select
import socket
import struct
import subprocess
import time
from collections import deque
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf
from pathlib import Path as File
from random import Random

from netwright.sim.link import Link, Path
from netwright.wire.tcp_info import TcpInfo, parse_tcp_info

CLIENT, SERVER, PORT = "10.79.0.1", "10.79.0.2", 5001
BUFFER = 4 << 20  # bytes of each socket; neither side may be what limits
_CLONE_NEWNET, _TUNSETIFF, _TUN_NO_PI = 0x40000000, 0x400454CA, 0x1001
_PR_SET_TIMERSLACK = 29
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_INFO_SIZE = 512  # more than any kernel has in its TCP_INFO
_BATCH = 64  # packets that are read from one device at a time
_IPV4 = 4
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """One flow: from client to server over ``there``, acknowledgements over ``back``, for ``seconds``."""

    control: str
    there: Path
    back: Path
    seconds: float
    seed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the sending kernel counted, and what the path did.

    Attributes:
        seconds: from the SYN to the count.
        late: seconds that the path delivered later than it meant to, on average; latest: at worst.
    """

    info: TcpInfo
    seconds: float
    packets: int
    lost: int
    queue_full: int
    late: float
    latest: float


class _Lane:
    """One direction of a flow: asks ``link`` about every packet that ``source`` has, delivers to ``target``."""

    def __init__(self, link: Link, source: int, target: int) -> None:
        self.link, self.source, self.target = link, source, target
        self.late = self.latest = 0.0
        self.delivered = 0

    def take(self, due: "list[tuple[float, int, _Lane, bytes]]") -> None:
        """Put what the host has sent among what is under way."""
        with suppress(BlockingIOError):
            for _ in range(_BATCH):
                packet = os.read(self.source, 2048)
                now = time.monotonic()
                if packet[0] >> 4 == _IPV4:
                    for arrival in self.link.carry(packet, len(packet), now).arrivals:
                        heappush(due, (arrival.at, self.link.counters.offered, self, packet))

    def give(self, packet: bytes, late: float) -> None:
        os.write(self.target, packet)
        self.late += late
        self.latest = max(late, self.latest)
        self.delivered += 1

    def __lt__(self, other: "_Lane") -> bool:
        return id(self) < id(other)  # of two packets of one moment and number


class _Flow:
    def __init__(self, plan: Plan, stack: ExitStack) -> None:
        self.plan = plan
        device = _host(CLIENT, SERVER, stack)
        self.client = stack.enter_context(socket.socket())
        self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, plan.control.encode())
        self.client.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, BUFFER)
        self.client.setblocking(False)
        far_device = _host(SERVER, CLIENT, stack)
        self.listener = stack.enter_context(socket.socket())
        self.listener.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, BUFFER)
        self.listener.bind((SERVER, PORT))
        self.listener.listen()
        self.listener.setblocking(False)
        random = Random(plan.seed)  # as sim.pair.Pair does: the same packets are lost
        self.there = _Lane(Link(plan.there, seed=random.getrandbits(32)), device, far_device)
        self.back = _Lane(Link(plan.back, seed=random.getrandbits(32)), far_device, device)
        self.started = 0.0
        self.outcome: Outcome | None = None

    def start(self) -> None:
        self.started = time.monotonic()
        with suppress(BlockingIOError):
            self.client.connect((SERVER, PORT))

    def finish(self) -> None:
        info = parse_tcp_info(self.client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_SIZE))
        seconds = time.monotonic() - self.started
        there, back = self.there, self.back
        delivered = max(there.delivered + back.delivered, 1)
        self.outcome = Outcome(
            info,
            seconds,
            there.link.counters.offered + back.link.counters.offered,
            there.link.counters.lost,
            there.link.counters.queue_full,
            (there.late + back.late) / delivered,
            max(there.latest, back.latest),
        )


def run(plans: list[Plan]) -> list[Outcome]:
    """Play the flows side by side; this process is left in a namespace of its own."""
    with ExitStack() as stack:
        flows = [_Flow(plan, stack) for plan in plans]
        gc.collect()
        gc.disable()
        stack.callback(gc.enable)
        _libc.prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
        stack.callback(os.sched_setscheduler, 0, os.SCHED_OTHER, os.sched_param(0))
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))  # a path waits for nobody
        _Loop(flows, stack).run()
    return [flow.outcome for flow in flows if flow.outcome is not None]


def _host(address: str, peer: str, stack: ExitStack) -> int:
    """Enter a new namespace; its device to the path."""
    if _libc.unshare(_CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    stack.callback(os.close, device)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", b"path", _TUN_NO_PI))
    for name, value in (("ipv6/conf/all/disable_ipv6", 1), ("ipv4/tcp_no_metrics_save", 1)):
        with suppress(FileNotFoundError):
            File("/proc/sys/net", name).write_text(f"{value}")
    commands = f"addr add {address} peer {peer} dev path\nlink set path mtu 1500 txqueuelen 10000 up\n"
    subprocess.run(["ip", "-batch", "-"], input=commands.encode(), check=True)
    return device


class _Loop:
    def __init__(self, flows: list[_Flow], stack: ExitStack) -> None:
        self._flows, self._stack = flows, stack
        self._epoll = stack.enter_context(select.epoll())
        self._data, self._sink = memoryview(bytes(1 << 16)), bytearray(1 << 20)
        self._readers = {lane.source: lane for flow in flows for lane in (flow.there, flow.back)}
        self._sockets: dict[int, socket.socket] = {}
        for fd in self._readers:
            self._epoll.register(fd, select.EPOLLIN)
        for flow in flows:
            self._add(flow.listener, select.EPOLLIN)

    def _add(self, sock: socket.socket, events: int) -> None:
        self._sockets[sock.fileno()] = sock
        self._epoll.register(sock, events)

    def run(self) -> None:
        for flow in self._flows:
            flow.start()
            self._add(flow.client, select.EPOLLOUT)
        ends = deque(sorted(((flow.started + flow.plan.seconds, flow) for flow in self._flows), key=lambda end: end[0]))
        due: list[tuple[float, int, _Lane, bytes]] = []
        while ends:
            now = time.monotonic()
            while ends and ends[0][0] <= now:
                ends.popleft()[1].finish()
            while due and due[0][0] <= now:
                at, _, lane, packet = heappop(due)
                lane.give(packet, time.monotonic() - at)
            at = min(due[0][0] if due else inf, ends[0][0] if ends else now)
            select.select([self._epoll], [], [], max(at - time.monotonic(), 0.0))  # epoll's own time is in whole ms
            for fd, _ in self._epoll.poll(0):
                if fd in self._readers:
                    self._readers[fd].take(due)
                else:
                    self._socket(self._sockets[fd])

    def _socket(self, sock: socket.socket) -> None:
        if sock.getsockname()[0] == CLIENT:
            with suppress(BlockingIOError):
                while sock.send(self._data) == len(self._data):
                    pass
        elif sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            accepted = self._stack.enter_context(sock.accept()[0])
            accepted.setblocking(False)
            self._add(accepted, select.EPOLLIN)
        else:
            sock.recv_into(self._sink, len(self._sink), socket.MSG_TRUNC)  # tcp(7): discards without copying
