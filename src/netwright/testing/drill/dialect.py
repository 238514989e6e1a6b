"""Dialects: the settings that a script expects of its machine, and the sysctls that change them.

Scripts of google/packetdrill expect Linux, those of freebsd-net/tcp-testsuite FreeBSD.  A script that sets a sysctl of
FreeBSD (``net.inet``) is of the second kind.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from netwright.proto.tcp.congestion.registry import control_names
from netwright.proto.tcp.policy import Policy
from netwright.proto.tcp.settings import Settings
from netwright.testing.drill.parse import UnsupportedError

__all__ = ["BSD", "LINUX", "Dialect", "apply", "dialect_of"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """The settings of the machine before the script's first line.

    Attributes:
        defines: names for which ``#ifdef`` holds.  The BSD suite has the answers of the RFCs under STANDARD, and those
            of a FreeBSD kernel under FreeBSD.
    """

    name: str
    settings: Settings
    defines: frozenset[str] = frozenset()

    def buffer(self, mss: int) -> int:
        """Return the receive buffer of a connection: FreeBSD rounds it up to whole segments."""
        size = self.settings.receive_buffer
        return -(-size // mss) * mss if self.name == "bsd" else size


LINUX = Dialect("linux", Settings(hystart="off", send_buffer=1 << 22, window_scale=8))
BSD = Dialect(
    "bsd",
    Settings(
        receive_buffer=65536,  # net.inet.tcp.recvspace
        window_scale=6,
        quick_acks=0,
        policy=Policy(
            rst_before_fin=False,
            reuse_time_wait=False,
            spare_time_wait=True,
            time_wait_needs_ack=True,
            drop_syn_fin=False,
            repeat_fin=True,
            repeat_syn_soon=False,
            take_beyond_field=True,
        ),
    ),
    frozenset({"STANDARD"}),
)


def dialect_of(text: str) -> Dialect:
    """Return the dialect of a script."""
    return BSD if "net.inet." in text else LINUX


def apply(settings: Settings, name: str, value: str) -> Settings:
    """Apply a sysctl; ``name`` is without net.ipv4.tcp_ (Linux) or with net.inet.tcp. (FreeBSD).

    Raises:
        UnsupportedError: it enables a feature that the endpoint does not have.
    """
    if name in _RULES:
        return _RULES[name](settings, value)
    if name in _ABSENT and value not in ("0", ""):
        raise UnsupportedError(f"{_ABSENT[name]} {name}={value}")
    return settings


def _number(value: str) -> int:
    try:
        return int(value, 0)
    except ValueError:
        raise UnsupportedError(f"sysctl value {value!r}") from None


def _switch(name: str) -> Callable[[Settings, str], Settings]:
    def rule(settings: Settings, value: str) -> Settings:
        return replace(settings, **{name: _number(value) != 0})  # type: ignore[arg-type]  # the table's names are booleans

    return rule


def _count(name: str) -> Callable[[Settings, str], Settings]:
    def rule(settings: Settings, value: str) -> Settings:
        return replace(settings, **{name: _number(value)})  # type: ignore[arg-type]  # the table's names are counts

    return rule


def _policy(name: str, *, inverted: bool) -> Callable[[Settings, str], Settings]:
    def rule(settings: Settings, value: str) -> Settings:
        return replace(settings, policy=replace(settings.policy, **{name: (_number(value) != 0) is not inverted}))

    return rule


def _congestion(settings: Settings, value: str) -> Settings:
    if value not in control_names():
        raise UnsupportedError(f"congestion control {value}")
    return replace(settings, congestion=value)


def _ecn(settings: Settings, value: str) -> Settings:
    """Convert the ECN sysctl: 0 is off, 1 offers ECN, 2 only accepts it; FreeBSD has the same numbers."""
    return replace(settings, ecn={"1": "ask", "2": "accept"}.get(value, "off"))


def _window_scaling(settings: Settings, value: str) -> Settings:
    return settings if _number(value) else replace(settings, window_scale=None)


def _rfc1323(settings: Settings, value: str) -> Settings:
    settings = replace(settings, timestamps=_number(value) != 0)
    return _window_scaling(settings, value)


_RULES: dict[str, Callable[[Settings, str], Settings]] = {
    "timestamps": _switch("timestamps"),
    "sack": _switch("sack"),
    "slow_start_after_idle": _switch("slow_start_after_idle"),
    "frto": _switch("frto"),
    "syn_retries": _count("syn_retries"),
    "synack_retries": _count("synack_retries"),
    "syn_linear_timeouts": _count("syn_linear_timeouts"),
    "congestion_control": _congestion,
    "ecn": _ecn,
    "early_retrans": lambda settings, value: replace(settings, tail_loss_probe=value in ("3", "4")),
    "window_scaling": _window_scaling,
    "hystart_detect": lambda settings, value: replace(settings, hystart="linux" if _number(value) else "off"),
    "net.inet.tcp.rfc1323": _rfc1323,
    "net.inet.tcp.sack.enable": _switch("sack"),
    "net.inet.tcp.ecn.enable": _ecn,
    "net.inet.tcp.insecure_rst": _policy("strict_rst", inverted=True),
    "net.inet.tcp.insecure_syn": _policy("strict_syn", inverted=True),
    "net.inet.tcp.drop_synfin": _policy("drop_syn_fin", inverted=False),
    "net.inet.tcp.rexmit_initial": lambda settings, value: replace(settings, rto_initial=_number(value) / 1000),
}
_ABSENT = {
    "mtu_probing": "mtu-probing",
    "fastopen": "fastopen",
    "notsent_lowat": "notsent-lowat",
    "net.inet.tcp.fastopen.server_enable": "fastopen",
    "net.inet.tcp.fastopen.client_enable": "fastopen",
    "net.inet.tcp.blackhole": "blackhole",
    "net.inet.udp.blackhole": "blackhole",
}
