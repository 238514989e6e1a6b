"""Checks of the machine and the interpreter, with the cost of each missing feature."""

import importlib.util
import os
import shutil
import socket
import struct
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from netwright._native import PURE, compiled, enabled, every_kernel

__all__ = ["CHECKS", "Check", "Grade", "run_checks"]

SYSCTL = Path("/proc/sys")
CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN, CAP_BPF = 12, 13, 21, 39  # capabilities(7)
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLMSG_ERROR = 4, 20, 2  # sock_diag(7), netlink(7)
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP


class Grade(StrEnum):
    """GOOD; MISSING, with a cost; OFF by a setting; ELSEWHERE: does not apply here, or cannot be known."""

    GOOD = "good"
    MISSING = "missing"
    OFF = "off"
    ELSEWHERE = "does not apply"


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check: ``seen`` is the fact, ``cost`` what a missing feature costs, ``fix`` how to get it."""

    group: str
    name: str
    grade: Grade
    seen: str
    cost: str = ""
    fix: str = ""


def run_checks() -> list[Check]:
    """Run all checks, in the order of the groups."""
    return [check for source in CHECKS for check in source()]


def interpreter() -> Iterator[Check]:
    """Check the version, how it was compiled, and what slows it down."""
    version = f"{sys.implementation.name} {sys.version.split()[0]}"
    yield Check("python", "version", Grade.GOOD, version)
    yield _optimised("PGO", ("--enable-optimizations", "-fprofile-use", "-fprofile-instr-use"), "10 to 20 % of speed")
    yield _optimised("LTO", ("--with-lto", "-flto"), "a few per cent of speed")
    if hasattr(sys, "gettotalrefcount"):
        yield Check("python", "debug build", Grade.MISSING, "on", "checks every call", "use a release build")
    if sys.flags.dev_mode or os.environ.get("PYTHONASYNCIODEBUG"):
        yield Check("python", "development mode", Grade.OFF, "on", "asyncio checks every call: slower")


def _optimised(name: str, marks: tuple[str, ...], cost: str) -> Check:
    """Check whether the interpreter was compiled with an optimisation: on or off only where its build says so.

    Distributions keep these flags out of sysconfig, so that extensions are not compiled with them: Debian's build has
    both, and names neither.
    """
    flags = " ".join(
        str(sysconfig.get_config_var(variable) or "") for variable in ("CONFIG_ARGS", "PY_CFLAGS", "PY_CORE_CFLAGS")
    )
    if any(mark in flags for mark in marks):
        return Check("python", name, Grade.GOOD, "on")
    if not flags.strip():
        return Check("python", name, Grade.ELSEWHERE, "unknown: this build does not record its flags")
    if sys.base_prefix == "/usr":
        return Check(
            "python", name, Grade.ELSEWHERE, "unknown: this distribution's build hides its flags; Debian's is optimised"
        )
    return Check("python", name, Grade.MISSING, "off", cost, "use your distribution's or python.org's build")


def _compiler() -> str:
    """Return the C compiler that would build extensions; "" if there is none, or no Python.h."""
    named = (os.environ.get("CC", ""), str(sysconfig.get_config_var("CC") or ""), "cc", "gcc", "clang")
    found = [path for text in named if text.split() and (path := shutil.which(text.split()[0]))]
    header = Path(sysconfig.get_path("include"), "Python.h")
    return found[0] if found and header.exists() else ""


def kernels() -> Iterator[Check]:
    """Check every native kernel of the package: on, or why not."""
    for name in every_kernel():
        short = name.removeprefix("netwright.")
        if enabled(name):
            yield Check("native kernels", short, Grade.GOOD, "on")
        elif PURE:
            yield Check("native kernels", short, Grade.OFF, "NETWRIGHT_PURE is set", "its pure twin runs, slower")
        else:
            built = importlib.util.find_spec(name) is not None
            seen = "built, but does not load" if built else "not built"
            yield Check(
                "native kernels", short, Grade.MISSING, seen, "its pure twin runs, slower", _build("install again")
            )


def _build(how: str) -> str:
    """Return how to get native code; what must be installed for it comes first."""
    return how if _compiler() else f"install a C compiler and Python's headers (gcc, python3-dev), then {how}"


def compiled_modules() -> Iterator[Check]:
    """Check whether TCP and its simulator run compiled: mypyc compiles them in wheels, not in editable installs."""
    name = "proto.tcp, sim"
    if on := compiled():
        yield Check("compiled modules", name, Grade.GOOD, f"{len(on)} modules compiled")
    elif PURE:
        yield Check("compiled modules", name, Grade.OFF, "NETWRIGHT_PURE is set", "simulations run slower")
    else:
        cost, fix = "simulations run at a third of the speed", _build("pip install . instead of pip install -e .")
        yield Check("compiled modules", name, Grade.MISSING, "not compiled", cost, fix)


def stream_engine() -> Iterator[Check]:
    """Check which engine carries streams here."""
    import asyncio

    from netwright.aio import engine

    async def ask() -> str:
        return engine().name

    name = asyncio.run(ask())
    native = name == "native"
    off = PURE or os.environ.get("NETWRIGHT_ENGINE") == "portable"
    grade = Grade.GOOD if native else Grade.OFF if off else Grade.MISSING
    yield Check("native kernels", "stream engine", grade, name, "" if native else "streams run at asyncio's speed")


def descriptors() -> Iterator[Check]:
    """Check how many sockets a process may open."""
    if sys.platform == "win32":
        yield _not_linux("limits", "open files")
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = soft != resource.RLIM_INFINITY and soft < 4096
    yield Check(
        "limits",
        "open files",
        Grade.MISSING if few else Grade.GOOD,
        f"{soft} (hard {hard})",
        f"about {soft - 50} connections at most, then accept fails" if few else "",
        f"ulimit -n {min(hard, 65536) if hard > 0 else 65536}" if few else "",
    )


def queue() -> Iterator[Check]:
    """Check the limit of the accept queue."""
    text = _sysctl("net/core/somaxconn")
    if text is None:
        yield _not_linux("limits", "somaxconn")
        return
    small = int(text) < 1024
    cost = "a burst above it waits 1 s or more for the next SYN (RFC 6298 §2)" if small else ""
    fix = "sysctl -w net.core.somaxconn=4096" if small else ""
    yield Check("limits", "somaxconn", Grade.MISSING if small else Grade.GOOD, text, cost, fix)


def options() -> Iterator[Check]:
    """Try the socket options that Tuning sets."""
    wanted = (
        ("TCP_NODELAY", 1, "small answers wait for the peer's acknowledgement, up to 40 ms"),
        ("TCP_NOTSENT_LOWAT", 16384, "a slow reader holds megabytes in the kernel, and its newest data comes late"),
        ("TCP_USER_TIMEOUT", 30_000, "a vanished peer is noticed after 15 minutes instead of 30 s"),
        ("TCP_KEEPIDLE", 15, "a silent dead peer is noticed after 2 hours"),
    )
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        for name, value, cost in wanted:
            if _accepts(probe, socket.IPPROTO_TCP, name, value):
                yield Check("sockets", name, Grade.GOOD, "on")
            else:
                yield Check("sockets", name, Grade.MISSING, "this system has none", cost)
        if _accepts(probe, socket.SOL_SOCKET, "SO_REUSEPORT", 1):
            yield Check("sockets", "SO_REUSEPORT", Grade.GOOD, "on")
        else:
            yield Check("sockets", "SO_REUSEPORT", Grade.MISSING, "none", "workers cannot have a socket each")


def _accepts(probe: socket.socket, level: int, name: str, value: int) -> bool:
    number = getattr(socket, name, None)
    if number is None and name == "TCP_NOTSENT_LOWAT" and sys.platform == "linux":
        number = 25  # include/uapi/linux/tcp.h; the socket module names it since 3.12
    try:
        probe.setsockopt(level, number or -1, value)
    except OSError:
        return False
    return True


def ipv6() -> Iterator[Check]:
    """Check whether ::1 can be bound."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        yield Check(
            "sockets", "IPv6", Grade.MISSING, error.strerror or str(error), "names with IPv6 addresses fail over"
        )
        return
    yield Check("sockets", "IPv6", Grade.GOOD, "on")


def congestion() -> Iterator[Check]:
    """Check which congestion controls Tuning.congestion can name."""
    text = _sysctl("net/ipv4/tcp_available_congestion_control")
    if text is None:
        yield _not_linux("sockets", "congestion controls")
        return
    seen = f"{text}; in use: {_sysctl('net/ipv4/tcp_congestion_control')}"
    if "bbr" in text.split():
        yield Check("sockets", "congestion controls", Grade.GOOD, seen)
    else:
        cost = "without bbr, long paths with random loss run far below their rate"
        yield Check("sockets", "congestion controls", Grade.MISSING, seen, cost, "modprobe tcp_bbr")


def inet_diag() -> Iterator[Check]:
    """Check whether the kernel lists its sockets, as it does for ``ss`` (sock_diag(7))."""
    if sys.platform != "linux":
        yield _not_linux("watching", "inet_diag")
        return
    cost = "no kernel view of connections: round trips, retransmits, queues stay unseen"
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as probe:
            probe.settimeout(2.0)
            request = struct.pack("=BBBBI48x", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 1 << 10)  # TCP_LISTEN only
            probe.send(struct.pack("=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY, _DUMP, 1, 0) + request)
            kind: int = struct.unpack_from("=IH", probe.recv(65536))[1]
    except OSError as error:
        yield Check("watching", "inet_diag", Grade.MISSING, error.strerror or str(error), cost, "modprobe tcp_diag")
        return
    if kind == NLMSG_ERROR:
        yield Check("watching", "inet_diag", Grade.MISSING, "the kernel has no tcp_diag", cost, "modprobe tcp_diag")
    else:
        yield Check("watching", "inet_diag", Grade.GOOD, "on, no root needed")


def capture() -> Iterator[Check]:
    """Check for CAP_NET_RAW, which AF_PACKET needs (packet(7))."""
    if sys.platform != "linux":
        yield _not_linux("watching", "AF_PACKET")
        return
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW):
            yield Check("watching", "AF_PACKET", Grade.GOOD, "on")
    except OSError as error:
        cost = "no live capture; capture files still work"
        fix = f"run as root, or: setcap cap_net_raw+ep {Path(sys.executable).resolve()}"
        yield Check("watching", "AF_PACKET", Grade.MISSING, error.strerror or str(error), cost, fix)


def bpf() -> Iterator[Check]:
    """Check for CAP_BPF or CAP_SYS_ADMIN (bpf(2)) and the kernel's types (BTF), which eBPF needs."""
    if sys.platform != "linux":
        yield _not_linux("watching", "eBPF")
        return
    allowed = bool(_capabilities() & (1 << CAP_BPF | 1 << CAP_SYS_ADMIN))
    types = Path("/sys/kernel/btf/vmlinux").exists()
    seen = f"{'capability held' if allowed else 'no CAP_BPF'}, {'BTF there' if types else 'no BTF'}"
    if allowed and types:
        yield Check("watching", "eBPF", Grade.GOOD, seen)
    else:
        fix = "run as root" if types else "a kernel built with CONFIG_DEBUG_INFO_BTF"
        yield Check("watching", "eBPF", Grade.MISSING, seen, "no retransmit and drop events from the kernel", fix)


def namespaces() -> Iterator[Check]:
    """Check for CAP_SYS_ADMIN, which creates network namespaces (network_namespaces(7))."""
    if sys.platform != "linux":
        yield _not_linux("breaking", "network namespaces")
    elif _capabilities() & 1 << CAP_SYS_ADMIN and Path("/proc/self/ns/net").exists():
        yield Check("breaking", "network namespaces", Grade.GOOD, "on")
    else:
        cost = "real stacks cannot be put behind a bad link; the simulator needs no right"
        yield Check("breaking", "network namespaces", Grade.MISSING, "no CAP_SYS_ADMIN", cost, "run as root")


def _capabilities() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def _sysctl(name: str) -> str | None:
    try:
        return (SYSCTL / name).read_text().strip()
    except OSError:
        return None


def _not_linux(group: str, name: str) -> Check:
    return Check(group, name, Grade.ELSEWHERE, f"netwright reads none on {sys.platform}")


CHECKS: list[Callable[[], Iterator[Check]]] = [
    interpreter,
    kernels,
    stream_engine,
    compiled_modules,
    descriptors,
    queue,
    options,
    ipv6,
    congestion,
    inet_diag,
    capture,
    bpf,
    namespaces,
]
