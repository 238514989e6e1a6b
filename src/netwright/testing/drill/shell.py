"""Shell commands of a script: sysctls and assertions in them are recognised; no command is run."""

import re
from collections.abc import Iterator
from dataclasses import replace

from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import State
from netwright.testing.drill.dialect import apply
from netwright.testing.drill.host import Host
from netwright.testing.drill.outcome import DrillError
from netwright.testing.drill.parse import UnsupportedError

__all__ = ["command"]

_SYSCTL = re.compile(
    r"(?:net\.ipv4\.tcp_|/proc/sys/net/ipv4/tcp_)(?P<linux>\w+)=[\"']?(?P<value>[\w.]+)"
    r"|(?P<bsd>net\.inet\.[\w.]+)=(?P<number>\w+)"
    r"|echo (?P<echo>\w+) > /sys/module/tcp_cubic/parameters/(?P<parameter>\w+)"
)
# An assertion about the number of sockets in a state: sockstat … | grep -c TIME_WAIT | grep 1
_COUNTED = re.compile(r"sockstat .*\| *grep -c (?P<state>[A-Z_0-9]+) *\| *grep (?P<count>\d+)")
_REFUSED = {"ip route": "route", "tc qdisc replace": "qdisc", "tc qdisc delete": "qdisc", " mtu ": "mtu"}
_STATES = {state.name: state for state in State} | {"SYN_RCVD": State.SYN_RECEIVED}


def command(host: Host, text: str) -> None:
    """Apply a command's sysctls to the host, and check its assertions.

    Raises:
        DrillError: an assertion does not hold.
        UnsupportedError: it changes routes or queues, which the host does not have.
    """
    for words, reason in _REFUSED.items():
        if words in text:
            raise UnsupportedError(f"{reason}: command {' '.join(text.split())[:60]!r}")
    if "defaults.sh" in text:
        host.settings = _defaults(host.settings)
    for name, value in _assignments(text):
        host.settings = apply(host.settings, name, value)
    counted = _COUNTED.search(text)
    if counted is not None:
        _check_count(host, counted["state"], int(counted["count"]))


def _defaults(settings: Settings) -> Settings:
    """google/packetdrill's common/defaults.sh, where it differs from the kernel's defaults."""
    return replace(settings, slow_start_after_idle=False, syn_retries=5, ecn="off")


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for match in _SYSCTL.finditer(text):
        if match["parameter"]:
            yield match["parameter"], match["echo"]
        else:
            yield match["linux"] or match["bsd"], match["value"] or match["number"]


def _check_count(host: Host, name: str, count: int) -> None:
    if name not in _STATES:
        raise UnsupportedError(f"state {name}")
    seen = [sock.endpoint for sock in host.sockets.values() if sock.endpoint is not None]
    if host.listener is not None:
        seen += host.listener.half_open_endpoints()
    states = [endpoint.state for endpoint in seen]
    if states.count(_STATES[name]) != count:
        there = ", ".join(state.name for state in states) or "none"
        raise DrillError(f"{states.count(_STATES[name])} sockets in {name}, {count} expected; there are {there}")
