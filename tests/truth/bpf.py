"""Every retransmission that a kernel makes, from its raw tracepoint tcp_retransmit_skb, without a compiler or libbpf.

A program of 40 instructions is assembled here (kernel Documentation/bpf/standardization), the offsets of the two
structures come from the kernel's own type information (BTF).  Needs CAP_BPF and CAP_PERFMON.
"""

import ctypes
import mmap
import os
import platform
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_BPF: Final = {"x86_64": 321, "aarch64": 280}  # the system call
_MAP_CREATE, _PROG_LOAD, _RAW_TRACEPOINT_OPEN = 0, 5, 17
_RINGBUF, _RAW_TRACEPOINT = 27, 17  # map type, program type
_PROBE_READ_KERNEL, _RINGBUF_OUTPUT = 113, 130  # helpers
_SIZE: Final = 1 << 20
_EVENT = struct.Struct("<IIHHIIIBB6x")
_PAGE = mmap.PAGESIZE
SYN_SENT, SYN_RECV = 2, 3
CA_RECOVERY, CA_LOSS = 3, 4  # TCP_CA_Recovery, TCP_CA_Loss


@dataclass(frozen=True, slots=True)
class Retransmission:
    """One event; ports as the sender sees them."""

    source_port: int
    target_port: int
    seq: int
    end: int
    cause: str


class Retransmissions:
    """Collects events between the two addresses from ``with`` on, of all namespaces of the machine."""

    def __init__(self, addresses: tuple[str, str]) -> None:
        self._addresses = {ip_number(address) for address in addresses}
        self._fds: list[int] = []

    def __enter__(self) -> Self:
        offsets = Offsets.of_this_kernel()
        ring = _call(_MAP_CREATE, struct.pack("<IIII", _RINGBUF, 0, 0, _SIZE))
        self._fds.append(ring)
        code, licence, log = program(ring, offsets), b"Dual MIT/GPL\0", ctypes.create_string_buffer(65536)
        instructions, text = ctypes.create_string_buffer(code), ctypes.create_string_buffer(licence)
        attributes = struct.pack(
            "<IIQQIIQ",
            _RAW_TRACEPOINT,
            len(code) // 8,
            ctypes.addressof(instructions),
            ctypes.addressof(text),
            1,
            len(log),
            ctypes.addressof(log),
        )
        try:
            self._fds.append(_call(_PROG_LOAD, attributes))
        except OSError as error:
            raise OSError(error.errno, f"{error.strerror}: {log.value.decode()[-300:]}") from error
        name = ctypes.create_string_buffer(b"tcp_retransmit_skb")
        self._fds.append(_call(_RAW_TRACEPOINT_OPEN, struct.pack("<QI4x", ctypes.addressof(name), self._fds[1])))
        self._consumer = mmap.mmap(ring, _PAGE)
        self._ring = mmap.mmap(ring, _PAGE + 2 * _SIZE, prot=mmap.PROT_READ, offset=_PAGE)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for fd in reversed(self._fds):
            os.close(fd)

    def events(self) -> Iterator[Retransmission]:
        """What happened so far and was not read yet (kernel Documentation/bpf/ringbuf.rst)."""
        done = struct.unpack_from("<Q", self._consumer)[0]
        while done < struct.unpack_from("<Q", self._ring)[0]:
            at = _PAGE + done % _SIZE
            size = struct.unpack_from("<I", self._ring, at)[0] & 0x3FFFFFFF
            target, source, target_port, port, family, seq, end, state, pending = _unpack(self._ring, at + 8)
            done += (size + 8 + 7) // 8 * 8
            self._consumer[:8] = struct.pack("<Q", done)
            if {target, source} == self._addresses:
                yield Retransmission(port, target_port, seq, end, _cause(family >> 16 & 0xFF, state, pending))


def _unpack(ring: mmap.mmap, at: int) -> tuple[int, int, int, int, int, int, int, int, int]:
    target, source, target_port, port, family, seq, end, state, pending = _EVENT.unpack_from(ring, at)
    return target, source, int.from_bytes(struct.pack("<H", target_port), "big"), port, family, seq, end, state, pending


def _cause(socket_state: int, recovery: int, pending: int) -> str:
    """Which of net/ipv4's callers it was, by the state that each leaves: tcp_retransmit_timer no timer pending.

    A probe's timer may be pending when acknowledgments start a recovery; tcp_send_loss_probe is not called in one.
    """
    if socket_state in (SYN_SENT, SYN_RECV):
        return "handshake"
    if recovery & 0x1F == CA_LOSS:
        return "slow_start" if pending else "timeout"
    return "fast" if recovery & 0x1F == CA_RECOVERY else "tail_loss_probe"


def ip_number(address: str) -> int:
    """An IPv4 address as this machine's kernel keeps it."""
    return int.from_bytes(bytes(map(int, address.split("."))), "little")


def _call(command: int, attributes: bytes) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(attributes.ljust(128, b"\0"), 128)
    result = int(libc.syscall(_BPF[platform.machine()], command, buffer, 128))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


# ---- the program


def program(ring: int, offsets: "Offsets") -> bytes:
    """Copy what ``_EVENT`` names from (struct sock *, struct sk_buff *) into the ring."""
    code = [
        _op(0x79, 7, 1, 0),  # r7 = sock
        _op(0x79, 8, 1, 8),  # r8 = skb
        _op(0x7A, 10, 0, -8),  # the event's padding is not left over from somebody
    ]
    for to, size, base, at in (
        (-32, 8, 7, 0),  # skc_daddr, skc_rcv_saddr
        (-24, 8, 7, 12),  # skc_dport, skc_num, skc_family, skc_state
        (-16, 8, 8, offsets.control_block),  # seq, end_seq
        (-8, 1, 7, offsets.recovery_state),
        (-7, 1, 7, offsets.pending),
    ):
        code += [_op(0xBF, 1, 10), _op(0x07, 1, 0, 0, to), _op(0xB7, 2, 0, 0, size), _op(0xBF, 3, base)]
        code += [_op(0x07, 3, 0, 0, at), _op(0x85, 0, 0, 0, _PROBE_READ_KERNEL)]
    code += [_op(0x18, 1, 1, 0, ring), _op(0, 0), _op(0xBF, 2, 10), _op(0x07, 2, 0, 0, -32)]
    code += [
        _op(0xB7, 3, 0, 0, _EVENT.size),
        _op(0xB7, 4),
        _op(0x85, 0, 0, 0, _RINGBUF_OUTPUT),
        _op(0xB7, 0),
        _op(0x95, 0),
    ]
    return b"".join(code)


def _op(code: int, target: int, source: int = 0, offset: int = 0, value: int = 0) -> bytes:
    return struct.pack("<BBhi", code, source << 4 | target, offset, value)


# ---- the kernel's types


@dataclass(frozen=True, slots=True)
class Offsets:
    """Bytes from the start of sk_buff to its control block, of a socket to the state of its recovery and its timer."""

    control_block: int
    recovery_state: int
    pending: int

    @classmethod
    def of_this_kernel(cls) -> Self:
        """From /sys/kernel/btf/vmlinux (kernel Documentation/bpf/btf.rst)."""
        types = _Types(Path("/sys/kernel/btf/vmlinux").read_bytes())
        connection = types.structure("inet_connection_sock")
        return cls(types.structure("sk_buff")["cb"], connection["icsk_ca_state"], connection["icsk_pending"])


class _Types:
    _EXTRA: Final = {1: 4, 3: 12, 14: 4, 17: 4}  # bytes behind a type of fixed size
    _EACH: Final = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}  # bytes for each member

    def __init__(self, raw: bytes) -> None:
        _, _, _, size, types, types_size, strings, _ = struct.unpack_from("<HBBIIIII", raw)
        self._raw, self._strings = raw, size + strings
        self._at = [0]
        at, end = size + types, size + types + types_size
        while at < end:
            self._at.append(at)
            info = struct.unpack_from("<I", raw, at + 4)[0]
            kind = info >> 24 & 31
            at += 12 + self._EXTRA.get(kind, 0) + self._EACH.get(kind, 0) * (info & 0xFFFF)

    def structure(self, name: str) -> dict[str, int]:
        """Byte offsets of a structure's members, those of its anonymous parts included."""
        wanted = name.encode() + b"\0"
        for number, at in enumerate(self._at[1:], 1):
            text, info = struct.unpack_from("<II", self._raw, at)
            if info >> 24 & 31 == 4 and self._raw.startswith(wanted, self._strings + text):
                return dict(self._members(number, 0))
        raise LookupError(f"this kernel has no struct {name}")

    def _members(self, number: int, base: int) -> Iterator[tuple[str, int]]:
        at = self._at[number]
        info = struct.unpack_from("<I", self._raw, at + 4)[0]
        for index in range(info & 0xFFFF):
            text, inner, bits = struct.unpack_from("<III", self._raw, at + 12 + 12 * index)
            place = base + (bits & 0xFFFFFF if info >> 31 else bits) // 8
            start = self._strings + text
            name = self._raw[start : self._raw.index(b"\0", start)].decode()
            if name:
                yield name, place
            elif struct.unpack_from("<I", self._raw, self._at[inner] + 4)[0] >> 24 & 31 in (4, 5):
                yield from self._members(inner, place)
