# cython: language_level=3, binding=False, embedsignature=True, freethreading_compatible=True
"""Native twins of ``record``'s two records: numbers are C fields, so that an engine pays a few instructions."""

from collections import deque

cimport cython

from netwright.core import record as _specification
from netwright.core.moment import Kind, Moment

cdef object RECEIVE = _specification.Waiting.RECEIVE
cdef object HANDLER = _specification.Waiting.HANDLER
cdef object SEND = _specification.Waiting.SEND
cdef object IDLE = _specification.Waiting.NEXT_REQUEST
cdef object CLOSE = _specification.Waiting.CLOSE
cdef object NOTHING = _specification.Waiting.NOTHING
cdef object OPEN = _specification.Outcome.OPEN
cdef object STILL_OPEN = _specification.END_OF[OPEN]
cdef object end_of = _specification.end_of
cdef object Exchange = _specification.Exchange
cdef object NO_EXCHANGES = _specification.NO_EXCHANGES
cdef int EXCHANGES = _specification.EXCHANGES
cdef dict MOMENT_OF_WAIT = _specification.MOMENT_OF_WAIT
cdef dict MOMENT_OF_END = _specification.MOMENT_OF_END
cdef object RECEIVED = Kind.RECEIVED
cdef object SENT = Kind.SENT
cdef object RECEIVE_WAIT = Kind.RECEIVE_WAIT
cdef object CLOSED = Kind.CLOSED
cdef int AGES_BEGIN = _specification.AGES.start, AGES_END = _specification.AGES.stop


@cython.final
@cython.no_gc
cdef class ExchangeRecord:
    """One message and its answer; see the pure class for every field."""

    def __cinit__(self, subject, double began):
        self.subject, self.began, self.note = subject, began, ""

    def __repr__(self):
        return f"<Exchange {self.values().line}>"

    def values(self):
        """The values of now."""
        return Exchange(self.began, self.handler, self.answered, self.subject, self.status, self.note)


@cython.final
@cython.no_gc
cdef class ConnectionRecord:
    """One connection's summary; see the pure class for every field."""

    def __cinit__(self, long long number, *, role, transport, local, peer, double at):
        self.number, self.role, self.transport, self.local, self.peer = number, role, transport, local, peer
        self.service = self.protocol = ""
        self.started_at = self.opened_at = self.waiting_since = at
        self.waiting = HANDLER
        self.ended = STILL_OPEN
        self.attempts, self.exchanges, self.kernel = (), NO_EXCHANGES, b""

    def __repr__(self):
        waits = f" waits for {self.waiting.value}" if self.waiting is not NOTHING else ""
        return (
            f"<Connection {self.number} {self.peer} {self.outcome.value} in={self.bytes_in} out={self.bytes_out}{waits}>"
        )

    @property
    def outcome(self):
        """How it ended, OPEN before."""
        return self.ended.outcome

    cdef int count_in(self, Py_ssize_t size, double at) except -1:
        if self.bytes_in == 0:
            self.first_in_at = at
        self.bytes_in += size
        self.reads += 1
        self.last_in_at = at
        self.version += 1
        if self.timeline is not None:
            keep_moment(self, at, RECEIVED, size, "", ())
        return 0

    cdef int count_out(self, Py_ssize_t size, double at) except -1:
        if self.bytes_out == 0:
            self.first_out_at = at
        self.bytes_out += size
        self.writes += 1
        self.last_out_at = at
        self.version += 1
        if self.timeline is not None:
            keep_moment(self, at, SENT, size, "", ())
        return 0

    cdef int wait_for(self, object waiting, double at) except -1:
        if waiting is self.waiting:
            return 0
        account(self, at)
        self.waiting = waiting
        self.waiting_since = at
        self.version += 1
        if self.timeline is not None:
            keep_moment(self, at, MOMENT_OF_WAIT.get(waiting, RECEIVE_WAIT), 0, waiting.value, (waiting.value,))
        return 0

    def received(self, Py_ssize_t size, double at):
        """``size`` bytes came from the peer."""
        self.count_in(size, at)

    def sent(self, Py_ssize_t size, double at):
        """``size`` bytes went to the kernel."""
        self.count_out(size, at)

    def wait(self, waiting, double at):
        """It waits for ``waiting`` from now on; the time of the wait before is added to its account."""
        self.wait_for(waiting, at)

    def note(self, kind, double at, *, Py_ssize_t size=0, note="", about=()):
        """Keep a moment, if somebody watches."""
        self.version += 1
        if self.timeline is not None:
            keep_moment(self, at, kind, size, note, about)

    def exchange(self, subject, double at):
        """A message has arrived whose handler starts now; its answer is for the caller to enter."""
        if self.exchanges is NO_EXCHANGES:
            self.exchanges = deque(maxlen=EXCHANGES)
        self.messages += 1
        self.version += 1
        cdef ExchangeRecord begun = ExchangeRecord.__new__(ExchangeRecord, subject, at)
        begun.handler = at
        self.exchanges.append(begun)
        return begun

    def end(self, outcome, double at, *, stage="", errno=0, text="", who=None):
        """Name the end; the first call counts, later ones change nothing.  The recorder's ``close`` follows."""
        if self.ended.outcome is not OPEN:
            return
        self.ended = end_of(outcome, stage, errno, text, who)
        if outcome in MOMENT_OF_END:
            self.note(MOMENT_OF_END[outcome], at, note=" ".join(filter(None, (stage, text))), about=self.ended[1:4])

    def sample(self, double at):
        """Ask the kernel now, if it can be asked."""
        if self.probe is None:
            return
        cdef bytes seen = self.probe()
        cdef bytes before = self.kernel
        if seen[:AGES_BEGIN] != before[:AGES_BEGIN] or seen[AGES_END:] != before[AGES_END:]:
            self.version += 1
        self.kernel, self.kernel_at = seen, at

    def finish(self, double at):
        """Ask the kernel a last time, close the accounts; called once, by the recorder."""
        self.sample(at)
        self.probe = None
        account(self, at)
        self.waiting = NOTHING
        self.waiting_since = self.closed_at = at
        self.note(CLOSED, at, note=self.ended.outcome.value)

    def as_dict(self):
        """The summary as JSON values; addresses as text, the timeline left out, ``kernel`` empty: who can read it fills it."""
        values = {name: getattr(self, name) for name in _specification.FIELDS}
        values["exchanges"] = [exchange.values() for exchange in self.exchanges]
        values["kernel"] = {}
        values["local"] = str(self.local) if self.local is not None else ""
        values["peer"] = str(self.peer) if self.peer is not None else ""
        values["watched"] = self.timeline is not None
        return values


cdef int keep_moment(ConnectionRecord record, double at, kind, Py_ssize_t size, note, about) except -1:
    """Apart from its callers: what a connection that nobody watches pays stays short."""
    record.timeline.add(Moment(at, kind, size, note, about))
    return 0


cdef inline int account(ConnectionRecord record, double at) except -1:
    cdef double spent = at - record.waiting_since
    if record.waiting is RECEIVE:  # as a rule
        record.receive_waited += spent
    elif record.waiting is HANDLER:
        record.handler_time += spent
    elif record.waiting is SEND:
        record.send_waited += spent
    elif record.waiting is IDLE:
        record.idle_waited += spent
    elif record.waiting is CLOSE:
        record.close_waited += spent
    elif record.waiting is not NOTHING:
        record.receive_waited += spent
    return 0
