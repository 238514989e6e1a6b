"""Run a drill script against the TCP endpoint, in virtual time.

``drill(text)`` plays one script.  The dialect, and the MSS and window scale in the script's own SYN, become settings of
the endpoint; its segments, times and results of calls are compared.  Sysctls in shell commands are applied, but no
command is run.  Times are compared with the tolerance of packetdrill.
"""

import errno
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf

from netwright.core.errors import NetwrightError, UsageError
from netwright.core.moment import Moment
from netwright.proto.tcp.settings import Settings
from netwright.testing.drill.arguments import number
from netwright.testing.drill.assertions import check
from netwright.testing.drill.calls import CALLS
from netwright.testing.drill.dialect import Dialect, dialect_of
from netwright.testing.drill.host import Emission, Host
from netwright.testing.drill.outcome import DrillError, Outcome, Verdict
from netwright.testing.drill.parse import UnsupportedError, parse
from netwright.testing.drill.polling import TIMEOUTS
from netwright.testing.drill.segments import Stamps, expect, inbound
from netwright.testing.drill.shell import command
from netwright.testing.drill.values import Call, Code, Event, Packet, Script, Shell, Time

__all__ = ["TOLERANCE", "drill"]

TOLERANCE = 0.004  # seconds, packetdrill's default of --tolerance_usecs
_SHARE = 0.125  # of the time since the event before, its default of --tolerance_percent
_TICKS = 0.008  # two ticks of 250 Hz: a kernel's timer may be so late, and the endpoint's, which are exact, so early
_PATIENCE = 120.0  # seconds that an event with the time `*` may take


def drill(text: str, dialect: Dialect | None = None, *, watch: Callable[[Moment], None] | None = None) -> Outcome:
    """Play a script and return the outcome; errors in the script are outcomes, too.

    Args:
        dialect: None: the script's sysctls decide.
    """
    dialect = dialect_of(text) if dialect is None else dialect
    try:
        script = parse(text, dialect.defines)
        settings = _own_options(script, dialect)
    except UnsupportedError as error:
        return Outcome(Verdict.UNSUPPORTED, 0, str(error))
    except UsageError as error:
        return Outcome(Verdict.UNSUPPORTED, 0, f"not a script: {error}")
    return _Run(script, settings, watch).run()


@dataclass(slots=True)
class _Pending:
    """A call that blocks."""

    event: Event
    call: Call
    ends_at: float
    gives_up_at: float


class _Run:
    def __init__(self, script: Script, settings: Settings, watch: Callable[[Moment], None] | None) -> None:
        self._script = script
        option = script.options.get("tolerance_usecs", "")
        self._least = int(option) / 1e6 if option.isdecimal() else TOLERANCE
        self._constants: dict[str, int] = {}
        self._host = Host(settings, watch)
        self._stamps = Stamps()
        self._last = 0.0  # script time of the event before
        self._tolerance = self._least
        self._pending: _Pending | None = None

    def run(self) -> Outcome:
        """Play all events."""
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
        self._tolerance = max(self._least, _SHARE * (start - self._last))
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
                command(self._host, event.action.command)

    def _advance(self, until: float) -> None:
        """Advance the clock; a blocked call returns as soon as it can."""
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
        if when.kind is not Time.ANY and not start - self._tolerance - _TICKS <= sent_at <= limit + 1e-9:
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
                self._pending = _Pending(event, call, ends_at, self._host.now + _patience(call))
                return
        self._judge(call, got)

    def _poll_pending(self) -> bool:
        """Try the blocked call again; True if it returned."""
        pending = self._pending
        if pending is None:
            return False
        got = CALLS[pending.call.name](self._host, pending.call.arguments, pending.call)
        if got is None and self._host.now >= pending.gives_up_at:
            got = 0
        if got is None:
            return False
        self._pending = None
        late = self._host.now - pending.ends_at
        if pending.ends_at != inf and abs(late) > self._tolerance:
            raise DrillError(f"{pending.call.name} returned at {self._host.now:.4f} s, {pending.ends_at:.4f} expected")
        self._judge(pending.call, got)
        return True

    def _finish_pending(self) -> None:
        """Wait until the blocked call returns: a script's program makes one call at a time."""
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
        check(code.text, self._host.endpoints[-1], self._constants, self._host.now)


def _patience(call: Call) -> float:
    """Seconds that poll and its kin wait; any other call waits for ever."""
    index = TIMEOUTS.get(call.name)
    return number(call.arguments[index]) / 1000 if index is not None else inf


def _spelled(result: int) -> str:
    return f"-1 {errno.errorcode.get(-result, -result)}" if result < 0 else str(result)


def _own_options(script: Script, dialect: Dialect) -> Settings:
    """Return the dialect's settings with the MSS and the window scale of the first SYN that the script expects."""
    settings = dialect.settings
    for event in script.events:
        packet = event.action
        if isinstance(packet, Packet) and not packet.inbound and "S" in packet.flags and packet.options is not None:
            named = {option.name: option.values for option in packet.options}
            if named.get("mss"):
                settings = replace(settings, mss=named["mss"][0], receive_buffer=dialect.buffer(named["mss"][0]))
            if named.get("wscale"):
                settings = replace(settings, window_scale=named["wscale"][0])
            elif "." not in packet.flags:
                settings = replace(settings, window_scale=None)
            break
    return settings
