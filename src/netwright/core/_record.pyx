# cython: language_level=3, binding=False, embedsignature=True, freethreading_compatible=True
"""Native twin of ``record.ConnectionRecord``: numbers are C fields, so that an engine pays a few instructions."""

cimport cython

from netwright.core import record as _specification
from netwright.core.moment import Kind, Moment

cdef object HANDLER = _specification.Waiting.HANDLER
cdef object SEND = _specification.Waiting.SEND
cdef object NOTHING = _specification.Waiting.NOTHING
cdef object OPEN = _specification.Outcome.OPEN
cdef dict MOMENT_OF_WAIT = _specification.MOMENT_OF_WAIT
cdef dict MOMENT_OF_END = _specification.MOMENT_OF_END
cdef object RECEIVED = Kind.RECEIVED
cdef object SENT = Kind.SENT
cdef object RECEIVE_WAIT = Kind.RECEIVE_WAIT
cdef object CLOSED = Kind.CLOSED
cdef int AGES_BEGIN = _specification.AGES.start, AGES_END = _specification.AGES.stop


@cython.final
@cython.no_gc
cdef class ConnectionRecord:
    """One connection's summary; see the pure class for every field."""

    def __cinit__(self, long long number, *, role, transport, local, peer, double at):
        self.number, self.role, self.transport, self.local, self.peer = number, role, transport, local, peer
        self.service = self.protocol = self.subject = self.stage = self.detail = ""
        self.started_at = self.opened_at = self.waiting_since = at
        self.waiting = HANDLER
        self.outcome = OPEN
        self.attempts, self.kernel = (), b""

    def __repr__(self):
        waits = f" waits for {self.waiting.value}" if self.waiting is not NOTHING else ""
        return (
            f"<Connection {self.number} {self.peer} {self.outcome.value} in={self.bytes_in} out={self.bytes_out}{waits}>"
        )

    cdef int count_in(self, Py_ssize_t size, double at) except -1:
        if self.bytes_in == 0:
            self.first_in_at = at
        self.bytes_in += size
        self.reads += 1
        self.last_in_at = at
        self.version += 1
        if self.timeline is not None:
            keep_moment(self, at, RECEIVED, size, "")
        return 0

    cdef int count_out(self, Py_ssize_t size, double at) except -1:
        if self.bytes_out == 0:
            self.first_out_at = at
        self.bytes_out += size
        self.writes += 1
        self.last_out_at = at
        self.version += 1
        if self.timeline is not None:
            keep_moment(self, at, SENT, size, "")
        return 0

    cdef int wait_for(self, object waiting, double at) except -1:
        if waiting is self.waiting:
            return 0
        account(self, at)
        self.waiting = waiting
        self.waiting_since = at
        self.version += 1
        if self.timeline is not None:
            keep_moment(self, at, MOMENT_OF_WAIT.get(waiting, RECEIVE_WAIT), 0, waiting.value)
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

    def note(self, kind, double at, *, Py_ssize_t size=0, note=""):
        """Keep a moment, if somebody watches."""
        self.version += 1
        if self.timeline is not None:
            keep_moment(self, at, kind, size, note)

    def end(self, outcome, double at, *, stage="", detail=""):
        """Name the end; the first call counts, later ones change nothing.  The recorder's ``close`` follows."""
        if self.outcome is not OPEN:
            return
        self.outcome, self.stage, self.detail = outcome, stage, detail
        if outcome in MOMENT_OF_END:
            self.note(MOMENT_OF_END[outcome], at, note=" ".join(filter(None, (stage, detail))))

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
        self.note(CLOSED, at, note=self.outcome.value)

    def as_dict(self):
        """The summary as JSON values; addresses as text, the timeline left out, ``kernel`` empty: who can read it fills it."""
        values = {name: getattr(self, name) for name in _specification.FIELDS}
        values["attempts"], values["kernel"] = list(self.attempts), {}
        values["local"] = str(self.local) if self.local is not None else ""
        values["peer"] = str(self.peer) if self.peer is not None else ""
        values["watched"] = self.timeline is not None
        return values


cdef int keep_moment(ConnectionRecord record, double at, kind, Py_ssize_t size, note) except -1:
    """Apart from its callers: what a connection that nobody watches pays stays short."""
    record.timeline.add(Moment(at, kind, size, note))
    return 0


cdef int account(ConnectionRecord record, double at) except -1:
    cdef double spent = at - record.waiting_since
    if record.waiting is HANDLER:
        record.handler_time += spent
    elif record.waiting is SEND:
        record.send_waited += spent
    elif record.waiting is not NOTHING:
        record.receive_waited += spent
    return 0
