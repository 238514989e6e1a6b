"""Run a drill script against the TCP endpoint, in virtual time.

``drill(text)`` judges one script.  What a script presupposes of its machine (sysctls, the window scale and MSS of its
own SYN) becomes settings; what it says of behaviour is compared.  Shell commands are read for their sysctls and never
run.  A time in a script may be missed by ``tolerance`` seconds: a kernel's timers tick.
"""

import errno
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf

from netwright.core.errors import NetwrightError, UsageError
from netwright.core.moment import Moment
from netwright.proto.tcp.settings import CONTROLS, Settings
from netwright.sim.drill.assertions import check
from netwright.sim.drill.calls import CALLS
from netwright.sim.drill.host import Emission, Host
from netwright.sim.drill.outcome import DrillError, Outcome, Verdict
from netwright.sim.drill.parse import UnsupportedError, parse
from netwright.sim.drill.segments import Stamps, expect, inbound
from netwright.sim.drill.values import Call, Code, Event, Packet, Script, Shell, Time

__all__ = ["DRILL_SETTINGS", "TOLERANCE", "drill"]

TOLERANCE = 0.012  # three ticks of a kernel with HZ=250
_PATIENCE = 120.0  # seconds that an event with the time `*` may take
# what the scripts of google/packetdrill presuppose (their common/defaults.sh)
DRILL_SETTINGS = Settings(
    congestion="cubic", hystart=False, send_buffer=1 << 22, window_scale=8, receive_buffer=1 << 20
)
_SYSCTL = re.compile(r"net\.ipv4\.tcp_(\w+)=[\"']?([\w.]+)")


def drill(
    text: str,
    settings: Settings = DRILL_SETTINGS,
    *,
    tolerance: float = TOLERANCE,
    watch: Callable[[Moment], None] | None = None,
) -> Outcome:
    """Judge one script; it never raises for what the script says."""
    try:
        script = parse(text)
        settings = _host_settings(script, settings)
    except UnsupportedError as error:
        return Outcome(Verdict.UNSUPPORTED, 0, str(error))
    except UsageError as error:
        return Outcome(Verdict.UNSUPPORTED, 0, f"not a script: {error}")
    return _Run(script, settings, tolerance, watch).run()


@dataclass(slots=True)
class _Pending:
    """A call that blocks until its end."""

    event: Event
    call: Call
    ends_at: float


class _Run:
    def __init__(
        self, script: Script, settings: Settings, tolerance: float, watch: Callable[[Moment], None] | None
    ) -> None:
        self._script, self._tolerance = script, tolerance
        self._host = Host(settings, watch)
        self._stamps = Stamps()
        self._last = 0.0  # script time of the event before
        self._pending: _Pending | None = None

    def run(self) -> Outcome:
        """Event by event."""
        event = None
        try:
            for event in self._script.events:
                self._one(event)
            self._finish_pending()
        except UnsupportedError as error:
            return Outcome(Verdict.UNSUPPORTED, event.line if event else 0, str(error))
        except NetwrightError as error:
            return Outcome(Verdict.FAILED, event.line if event else 0, f"at {self._host.now:.4f} s: {error}")
        return Outcome(Verdict.PASSED)

    def _one(self, event: Event) -> None:
        when = event.when
        start = when.start + (self._last if when.kind is Time.RELATIVE else 0.0)
        if isinstance(event.action, Packet) and not event.action.inbound:
            self._expect(event, event.action, start)
            return
        if when.kind is Time.ANY:
            start = self._host.now
        self._advance(start)
        self._last = start
        match event.action:
            case Packet():
                self._host.inject(inbound(event.action, self._stamps))
                self._poll_pending()
            case Call():
                self._call(event, event.action, start)
            case Code():
                self._code(event.action)
            case Shell():
                pass

    def _advance(self, until: float) -> None:
        """Let time pass; a blocked call returns as soon as it can."""
        self._host.advance(until, self._poll_pending_once)
        while self._host.now < until:
            self._host.advance(until, self._poll_pending_once)

    def _poll_pending_once(self) -> bool:
        return self._pending is not None and self._poll_pending()

    # outbound segments

    def _expect(self, event: Event, packet: Packet, start: float) -> None:
        when = event.when
        end = start if when.end is None else when.end + (self._last if when.kind is Time.RELATIVE else 0.0)
        if when.kind is Time.ANY:
            start, end = 0.0, self._host.now + _PATIENCE
        limit = end + self._tolerance
        sent_at, emission = expect(packet, lambda: self._next_emission(limit), self._stamps)
        if when.kind is not Time.ANY and not start - self._tolerance <= sent_at <= limit + 1e-9:
            raise DrillError(f"sent at {sent_at:.4f} s, {start:.4f} expected: {emission.segment}")
        self._last = sent_at if when.kind is Time.ANY else start

    def _next_emission(self, limit: float) -> Emission:
        host = self._host
        if not host.sent:
            host.advance(limit, lambda: bool(host.sent) or (self._poll_pending_once() and bool(host.sent)))
        if not host.sent:
            raise DrillError(f"nothing was sent by {limit:.4f} s")
        return host.sent.popleft()

    # calls

    def _call(self, event: Event, call: Call, start: float) -> None:
        self._finish_pending()
        if call.name not in CALLS:
            raise UnsupportedError(f"call {call.name}")
        got = CALLS[call.name](self._host, call.arguments, call)
        if got is None:
            end = event.when.end
            if end is None and call.result is not None and call.result < 0:
                got = -errno.EAGAIN
            else:
                ends_at = (
                    inf if end is None else end + (start - event.when.start if event.when.kind is Time.RELATIVE else 0)
                )
                self._pending = _Pending(event, call, ends_at)
                return
        self._judge(call, got)

    def _poll_pending(self) -> bool:
        """Try the blocked call again; True if it returned."""
        pending = self._pending
        if pending is None:
            return False
        got = CALLS[pending.call.name](self._host, pending.call.arguments, pending.call)
        if got is None:
            return False
        self._pending = None
        late = self._host.now - pending.ends_at
        if pending.ends_at != inf and abs(late) > self._tolerance:
            raise DrillError(f"{pending.call.name} returned at {self._host.now:.4f} s, {pending.ends_at:.4f} expected")
        self._judge(pending.call, got)
        return True

    def _finish_pending(self) -> None:
        """One call at a time: a new one waits for the one that blocks."""
        pending = self._pending
        if pending is None or self._poll_pending():
            return
        until = self._host.now + self._tolerance if pending.ends_at == inf else pending.ends_at + self._tolerance
        if not self._host.advance(until, self._poll_pending_once) and self._pending is not None:
            raise DrillError(f"{pending.call.name} of line {pending.event.line} still blocks at {self._host.now:.4f} s")

    def _judge(self, call: Call, got: int) -> None:
        if call.result is None:
            return
        wanted = -getattr(errno, call.errno, 0) if call.errno else call.result
        if got != wanted:
            raise DrillError(f"{call.name} returned {_spelled(got)}, {_spelled(wanted)} expected")

    def _code(self, code: Code) -> None:
        if not self._host.endpoints:
            raise UnsupportedError("assertion without a connection")
        check(code.text, self._host.endpoints[-1])


def _spelled(result: int) -> str:
    return f"-1 {errno.errorcode.get(-result, -result)}" if result < 0 else str(result)


def _host_settings(script: Script, settings: Settings) -> Settings:
    """What the script's machine is set to: its sysctls, and the options of its own first SYN."""
    for event in script.events:
        if isinstance(event.action, Shell):
            for name, value in _SYSCTL.findall(event.action.command):
                settings = _apply(settings, name, value)
            if re.search(r"ip route|ethtool|tc qdisc|mtu", event.action.command):
                raise UnsupportedError(f"command {event.action.command[:60]!r}")
    for event in script.events:
        packet = event.action
        if isinstance(packet, Packet) and not packet.inbound and "S" in packet.flags and packet.options is not None:
            named = {option.name: option.values for option in packet.options}
            if named.get("mss"):
                settings = replace(settings, mss=named["mss"][0])
            if named.get("wscale"):
                settings = replace(settings, window_scale=named["wscale"][0])
            elif "." not in packet.flags:
                settings = replace(settings, window_scale=None)
            break
    return settings


_SWITCHES = {
    "timestamps": "timestamps",
    "sack": "sack",
    "slow_start_after_idle": "slow_start_after_idle",
    "frto": "frto",
}
_COUNTS = {"syn_retries": "syn_retries", "syn_linear_timeouts": "syn_linear_timeouts"}
_ABSENT = ("congestion_control", "mtu_probing", "fastopen", "rmem", "wmem", "min_tso_segs", "notsent_lowat")
_ECN = {"0": "off", "1": "ask", "2": "accept"}


def _apply(settings: Settings, name: str, value: str) -> Settings:
    """One sysctl of the script."""
    on = value not in ("0", "")
    if name in _SWITCHES:
        return replace(settings, **{_SWITCHES[name]: on})  # type: ignore[arg-type]  # the table's names are booleans
    if name in _COUNTS:
        return replace(settings, **{_COUNTS[name]: int(value)})  # type: ignore[arg-type]  # the table's names are counts
    if name == "congestion_control" and value in CONTROLS:
        return replace(settings, congestion=value)
    if name == "ecn":
        return replace(settings, ecn=_ECN.get(value, "off"))
    if name == "early_retrans":
        return replace(settings, tail_loss_probe=value in ("3", "4"))
    if name == "window_scaling" and not on:
        return replace(settings, window_scale=None)
    if name in _ABSENT and on:
        raise UnsupportedError(f"tcp_{name}={value}")
    return settings
