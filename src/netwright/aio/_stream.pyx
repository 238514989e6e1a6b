# cython: language_level=3, binding=False, embedsignature=True, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""The native Stream: the verbs of ``stream.Stream`` on the native connection.

A verb gives an ``Operation``, which tries at once and again whenever the poller has news; a send that succeeds at once
gives a shared awaitable that is done.
"""

cimport cython
from cpython.bytearray cimport PyByteArray_Check
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_Check, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.memoryview cimport PyMemoryView_Check
from libc.math cimport INFINITY
from libc.string cimport memchr

from netwright.aio._native cimport FRESH, PENDING, Operation, Poller, Ready
from netwright.aio._pipe cimport CHUNK, PROGRESS, Pipe, Received
from netwright.core._record cimport ConnectionRecord

import warnings

from netwright.aio.deadlines import seconds_of
from netwright.aio.files import source_of
from netwright.aio.outcome import ShuttingDownError, end_failed
from netwright.aio.passing import check_passing, close_all, receive_passed, send_passed
from netwright.aio.stream import ELSEWHERE
from netwright.aio.taking import check_unread
from netwright.core.errors import ClosedError, DeadlineError, IncompleteError, LimitError, NetwrightError, UsageError
from netwright.core.record import Outcome, Waiting
from netwright.proto.drain import QUIET, may_end_at
from netwright.wire.tcp_info import parse_tcp_info

cdef extern from *:
    """
    #include <string.h>
    extern void* memmem(const void*, size_t, const void*, size_t);
    """
    void* memmem(const void*, size_t, const void*, size_t) nogil

cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() nogil

cdef extern from *:
    const Py_ssize_t PY_SSIZE_T_MAX

cdef enum Verb:
    READ
    NEXT  # read for ``async for``
    EXACT
    UNTIL
    LINE
    NEXT_LINE  # readline for ``async for``
    LINES
    FRAME
    NEXT_FRAME
    FRAMES
    PASSED  # recv_fds
    SEND  # a send that has not begun
    DRAIN  # a send that waits for the kernel
    FILE  # send_file
    PASS  # send_fds that has not begun
    FINISH  # send_eof
    CLOSE


cdef double LOOK_AGAIN = QUIET
cdef object DRAINED = Outcome.DRAINED
cdef object RECEIVE = Waiting.RECEIVE
cdef object SENDING = Waiting.SEND
cdef object CLOSING = Waiting.CLOSE
cdef object HANDLER = Waiting.HANDLER
cdef tuple VERBS = (
    "read", "__anext__", "read_exactly", "read_until", "readline", "__anext__", "__anext__", "read_frame", "__anext__",
    "__anext__", "recv_fds", "send", "send", "send_file", "send_fds", "send_eof", "close",
)

cdef enum Struck:  # the deadline that an operation reaches first
    CALLER
    SEND_LIMIT
    FIRST_BYTE_LIMIT
    IDLE_LIMIT
    FRAME_LIMIT
    DRAINING  # of a wait that a drain may end


cdef tuple STAGES = ("", "send", "first byte", "idle", "frame", "drain")


cdef class Stream(Pipe):
    """A connected byte stream; ``stream.Stream`` documents every verb."""

    cdef object made, _limits, exchange
    cdef str _subject
    cdef double patience, first_byte, idle, frame, send_most
    cdef Py_ssize_t outbox
    cdef double message  # when the open message began; INFINITY: open, and no byte of it came; -1: none is open
    cdef bint draining, owes
    cdef object __weakref__

    def __init__(self, Poller poller, int fd, ConnectionRecord record, recorder, limits, *, made="", channel=None):
        """See ``Pipe``; ``made`` says where the program opened it."""
        self.made, self.patience, self.message, self._subject = made, INFINITY, -1.0, ""
        self.limits = limits
        Pipe.__init__(self, poller, fd, record, recorder, channel)
        if limits.lifetime is not None:
            self.lifetime = record.opened_at + limits.lifetime
            poller.expect(self)

    def tcp_info(self):
        """The kernel's state of the connection now (struct tcp_info); None for a Unix socket."""
        self.record.sample(self.poller.refresh())
        return parse_tcp_info(self.record.kernel) if self.record.kernel else None

    def __del__(self):
        if self.fd < 0:
            return
        try:
            if not self.closing:
                warnings.warn(f"{self!r} was never closed{self.made}", ResourceWarning, source=self)
        finally:
            self.abort()

    def __repr__(self):
        record = self.record
        return f"<Stream {record.number} {record.peer} {record.outcome} in={record.bytes_in} out={record.bytes_out}>"

    @property
    def local(self):
        return self.record.local

    @property
    def peer(self):
        return self.record.peer

    @property
    def timeout(self):
        return None if self.patience == INFINITY else self.patience

    @timeout.setter
    def timeout(self, value):
        self.patience = INFINITY if value is None else seconds_of("timeout", value)

    @property
    def subject(self):
        return self._subject

    @subject.setter
    def subject(self, str value not None):
        self._subject = value
        if self.exchange is not None:
            self.exchange.subject = value
        elif self.message < 0:
            self.record.exchange(value, self.poller.refresh())

    @property
    def closed(self):
        return self.closing or (self.failure != 0 and not self.readable)

    @property
    def limits(self):
        return self._limits

    @limits.setter
    def limits(self, limits):
        self._limits = limits
        self.first_byte = INFINITY if limits.first_byte is None else limits.first_byte
        self.idle = INFINITY if limits.idle is None else limits.idle
        self.frame = INFINITY if limits.frame is None else limits.frame
        self.send_most = INFINITY if limits.send is None else limits.send
        self.outbox = min(limits.outbox, PY_SSIZE_T_MAX)

    @property
    def at_eof(self):
        return self.eof and self.begin == self.end

    def fileno(self):
        """The descriptor; -1 once closed."""
        return self.fd

    # reading

    cdef Operation operation(self, Verb verb, object timeout, object deadline, object stage, object waiting):
        cdef Operation operation = Operation.__new__(Operation)
        operation.target, operation.kind, operation.writes = self, verb, verb >= SEND
        operation.stage, operation.waiting = stage, waiting
        operation.timeout = self.patience if timeout is None else seconds(operation, "timeout", timeout)
        operation.deadline = INFINITY if deadline is None else seconds(operation, "deadline", deadline)
        return operation

    cdef str verb_of(self, int kind):
        return VERBS[kind]

    def read(self, limit=CHUNK, *, timeout=None, deadline=None, stage="read", waiting=RECEIVE):
        cdef Operation operation = self.operation(READ, timeout, deadline, stage, waiting)
        operation.size = number(operation, "read limit", limit, 1)
        return operation

    def __aiter__(self):
        return self

    def __anext__(self):
        cdef Operation operation = self.operation(NEXT, None, None, "read", RECEIVE)
        operation.size = CHUNK
        return operation

    def read_exactly(self, count, *, timeout=None, deadline=None, stage="read", waiting=RECEIVE):
        cdef Operation operation = self.operation(EXACT, timeout, deadline, stage, waiting)
        operation.size = number(operation, "read_exactly count", count, 0)
        return operation

    def read_until(self, delimiter, *, limit=CHUNK, timeout=None, deadline=None, stage="read", waiting=RECEIVE):
        cdef Operation operation = self.operation(UNTIL, timeout, deadline, stage, waiting)
        operation.size = number(operation, "read_until limit", limit, 1)
        if not PyBytes_Check(delimiter) or not delimiter:
            refuse(operation, UsageError(f"delimiter {delimiter!r}, 1 or more bytes allowed"))
        return with_detail(operation, delimiter)

    def readline(self, *, limit=CHUNK, timeout=None, deadline=None, stage="read", waiting=RECEIVE):
        cdef Operation operation = self.operation(LINE, timeout, deadline, stage, waiting)
        operation.size = number(operation, "readline limit", limit, 1)
        return operation

    def lines(self, *, limit=CHUNK):
        return Each(self, NEXT_LINE, limit)

    def line_batches(self, *, limit=CHUNK):
        return Each(self, LINES, limit)

    def read_frame(self, framing, *, timeout=None, deadline=None, stage="read", waiting=RECEIVE):
        cdef Operation operation = self.operation(FRAME, timeout, deadline, stage, waiting)
        return with_detail(operation, framing)

    def frames(self, framing):
        return Each(self, NEXT_FRAME, framing)

    def frame_batches(self, framing):
        return Each(self, FRAMES, framing)

    def recv_fds(self, limit=CHUNK, most=16, *, timeout=None, deadline=None, stage="read", waiting=RECEIVE):
        cdef Operation operation = self.operation(PASSED, timeout, deadline, stage, waiting)
        operation.size, operation.offset = number(operation, "recv_fds limit", limit, 1), number(operation, "recv_fds most", most, 1)
        return operation

    def read_nowait(self, limit=CHUNK):
        cdef Py_ssize_t count
        if type(limit) is not int or limit < 1:
            raise UsageError(f"read_nowait limit={limit!r}, 1 or more allowed")
        self.check_place()
        if self.reading is not None:
            raise UsageError(f"another task is already reading from {self!r}", advice="let one task read")
        if self.closing:
            raise self.why("read")
        if self.begin == self.end and self.readable:
            count = self.receive(self.poller.scratch, CHUNK)
            if count > 0:
                self.keep(self.poller.scratch, count)
        count = min(limit, self.end - self.begin)
        if count:
            self.took()
        return self.consume(count)

    def unread(self, data):
        check_unread(data)
        if data:
            self.prepend(data)

    cdef object attempt(self, Operation operation):
        if operation.writes:
            return self.attempt_write(operation)
        if operation.state == FRESH and (
            operation.timeout <= 0 or (operation.deadline < INFINITY and operation.deadline <= self.poller.refresh())
        ):
            self.readable = True  # the poller had no chance yet to say so
        result = self.attempt_read(operation)
        if result is not PENDING:
            self.took()
        return result

    cdef int took(self) except -1:
        """A verb took bytes: the program owes an answer, and the open message has begun."""
        self.owes = True
        if self.message == INFINITY:
            self.start_message(self.poller.refresh())
        return 0

    cdef int start_message(self, double at) except -1:
        """The first byte of the open message is here."""
        self.message = at
        self.exchange = self.record.exchange(self._subject, at)
        return 0

    cdef object take_kept(self, Operation operation):
        """The result from what is kept."""
        cdef Py_ssize_t used = 0
        if operation.kind == FRAMES:
            return self.take_frames(operation)
        if operation.kind == FRAME or operation.kind == NEXT_FRAME:
            result = operation.detail.decode(received_of(self))
            return PENDING if result is None else result
        result = take(operation, self.buffer + self.begin, self.end - self.begin, &used)
        if result is not PENDING:
            self.drop(used)
        return result

    cdef object take_frames(self, Operation operation):
        """Every message that is whole; a fault behind good ones is the next call's."""
        cdef list batch = []
        received, decode = received_of(self), operation.detail.decode
        try:
            while self.end > self.begin:
                message = decode(received)
                if message is None:
                    break
                batch.append(message)
        except NetwrightError:
            if not batch:
                raise
        return batch or PENDING

    cdef object attempt_read(self, Operation operation):
        cdef Py_ssize_t count, missing
        cdef char* scratch = self.poller.scratch
        if self.closing:
            raise self.why("read")
        if self.budget <= 0 and operation.state == FRESH and (self.readable or self.end > self.begin) and self.is_spent():
            return PENDING
        if operation.kind == PASSED:
            return self.attempt_passed(operation)
        if self.end > self.begin or (operation.kind == EXACT and operation.size == 0):
            result = self.take_kept(operation)
            if result is not PENDING:
                return result
        while self.readable:
            if self.budget <= 0 and self.is_spent():
                return PENDING
            if operation.kind <= NEXT:
                result = self.receive_bytes(min(operation.size, CHUNK))
                if result is not None:
                    return result
                break
            missing = operation.size - (self.end - self.begin) if operation.kind == EXACT else 0
            if missing >= CHUNK:
                self.reserve(min(missing, 16 * CHUNK))
                count = self.receive(self.buffer + self.end, min(missing, 16 * CHUNK))
                self.end += max(count, 0)
            else:
                count = self.receive(scratch, CHUNK)
                if count > 0 and self.begin == self.end and operation.kind < FRAME:
                    result = take_or_keep(self, operation, scratch, count)
                    if result is not PENDING:
                        return result
                    continue
                if count > 0:
                    self.keep(scratch, count)
            if count <= 0:
                break
            result = self.take_kept(operation)
            if result is not PENDING:
                return result
        if self.failure and not self.readable:
            raise self.why("read")
        return self.at_end(operation) if self.eof else PENDING

    cdef object attempt_passed(self, Operation operation):
        if operation.state == FRESH:
            check_passing(self, wrapped=self.channel is not None)
        if self.end > self.begin:
            return self.consume(min(operation.size, self.end - self.begin)), []
        if self.failure and not self.readable:
            raise self.why("read")
        if self.eof or not self.readable:
            return (b"", []) if self.eof else PENDING
        try:
            found = receive_passed(self.fd, operation.size)
        except OSError as error:
            self.readable = False
            self.fail_with(error.errno)
            raise self.why("read")
        if found is None:
            self.readable = False
            return PENDING
        data, fds = found
        if not data:
            self.readable, self.eof = False, True
            self.see_fin()
            return found
        self.record.count_in(len(data), self.poller.refresh())
        if len(fds) > operation.offset:
            self.keep(data, len(data))
            close_all(fds)
            raise LimitError("recv_fds most", len(fds), operation.offset, unit="descriptors")
        return found

    cdef object at_end(self, Operation operation):
        """The peer sent FIN, and what is kept does not make a whole."""
        cdef Py_ssize_t rest = self.end - self.begin
        if operation.kind == READ:
            return b""
        if operation.kind == LINE:
            return self.consume(rest)
        if operation.kind == LINES and rest:
            return [self.consume(rest).removesuffix(b"\r")]
        if operation.kind == NEXT_LINE and rest:
            return self.consume(rest).removesuffix(b"\r")
        if operation.kind == NEXT or operation.kind == LINES or operation.kind == NEXT_LINE:
            raise StopAsyncIteration
        if operation.kind == EXACT:
            wanted = f"{operation.size} bytes"
        elif operation.kind == UNTIL:
            wanted = repr(operation.detail)
        elif rest == 0 and operation.kind > FRAME:
            raise StopAsyncIteration
        else:
            wanted = f"a message of {operation.detail}"
        raise IncompleteError(f"{self.record.peer} ended {rest} bytes into {wanted}", partial=self.consume(rest))

    # writing

    def send(self, *parts, timeout=None, deadline=None, stage="send"):
        cdef Operation operation = self.operation(SEND, timeout, deadline, stage, SENDING)
        return with_detail(operation, parts)

    def send_frame(self, framing, message, *, timeout=None, deadline=None):
        return self.send(*framing.encode(message), timeout=timeout, deadline=deadline)

    def send_file(self, file, *, offset=0, count=None, timeout=None, deadline=None):
        cdef Operation operation = self.operation(FILE, timeout, deadline, "send", SENDING)
        return with_detail(operation, (file, offset, count))

    def send_fds(self, data, fds, *, timeout=None, deadline=None):
        cdef Operation operation = self.operation(PASS, timeout, deadline, "send", SENDING)
        operation.detail = (data, fds)
        return operation

    def send_eof(self):
        return self.operation(FINISH, None, None, "send", SENDING)

    def post(self, *parts):
        if len(parts) == 1 and PyBytes_CheckExact(parts[0]):
            data = parts[0]
        else:
            check_parts(parts)
            data = b"".join(parts)
        self.check_place()
        self.owes = False
        return self.post_bytes(data, self.outbox, self.send_most)

    cdef int check_place(self) except -1:
        """UsageError in a thread that is not the loop's."""
        if PyThread_get_thread_ident() != self.poller.thread:
            raise UsageError(f"{self!r} belongs to another event loop or thread", advice=ELSEWHERE)
        return 0

    cdef int check_writable(self) except -1:
        if self.closing or self.failure:
            raise self.why("send")
        if self.fin_sent:
            raise ClosedError(f"send after send_eof on {self!r}")
        return self.poller.check_process()

    cdef object attempt_write(self, Operation operation):
        if operation.kind == CLOSE:
            return self.attempt_close(operation)
        if operation.state == FRESH:
            if operation.kind == FINISH and self.fin_sent:
                return None
            if operation.kind == FILE:
                file, offset, count = operation.detail
                operation.detail = source_of(file, offset, count)
                operation.offset, operation.size = operation.detail.offset, operation.detail.size
            elif operation.kind == SEND:
                check_parts(operation.detail)
            elif operation.kind == PASS:
                check_passing(self, *operation.detail, wrapped=self.channel is not None)
            self.check_writable()
            if self.writing is not None or self.queued is not None or self.behind:
                return PENDING
            if self.budget <= 0 and self.is_spent():
                return PENDING
        elif self.closing or self.failure:
            raise self.why("send")
        elif self.writing is not operation or self.queued is not None:
            return PENDING
        self.owes = False
        if operation.kind == SEND:
            parts, operation.detail, operation.kind = operation.detail, None, DRAIN
            self.push(parts)
            return None if self.queued is None else PENDING
        if operation.kind == FILE:
            return self.attempt_file(operation)
        if operation.kind == PASS:
            return self.attempt_pass(operation)
        if operation.kind == FINISH:
            self.send_fin()
        return None

    cdef object attempt_pass(self, Operation operation):
        data, fds = operation.detail
        try:
            sent = send_passed(self.fd, data, fds)
        except OSError as error:
            self.fail_with(error.errno)
            raise self.why("send")
        if not sent:
            return PENDING
        self.record.count_out(sent, self.poller.refresh())
        operation.detail, operation.kind = None, DRAIN
        self.push((data[sent:],))
        return None if self.queued is None else PENDING

    cdef object attempt_file(self, Operation operation):
        source = operation.detail
        if source.data is None and self.channel is not None:
            return self.attempt_copy(operation)
        if source.data is None:
            if self.write_file(source.descriptor, &operation.offset, &operation.size, source.offset):
                return operation.offset - source.offset
            return PENDING
        if operation.size:
            operation.size = 0
            self.push((source.data,))
        return PENDING if self.queued is not None else source.size

    cdef object attempt_copy(self, Operation operation):
        """``attempt_file`` over a channel, which is given what was read."""
        source = operation.detail
        while operation.size > 0 and not self.is_spent():
            try:
                data = source.read(operation.offset - source.offset)
            except OSError as error:
                raise UsageError(f"send_file after {operation.offset - source.offset} bytes: {error.strerror}") from error
            if not data:
                operation.size = 0
                break
            operation.offset, operation.size = operation.offset + len(data), operation.size - len(data)
            self.budget -= 1
            self.push((data,))
            if self.queued is not None:
                return PENDING
        return PENDING if operation.size > 0 else operation.offset - source.offset

    # the end

    cdef object order(self):
        """Ready to close in order: who ended first?"""
        self.discard()
        return Outcome.PEER_CLOSED if self.fin_seen and not self.fin_sent else Outcome.CLOSED

    def close(self, *, timeout=None):
        return self.operation(CLOSE, self._limits.close if timeout is None else timeout, None, "close", CLOSING)

    cdef object attempt_close(self, Operation operation):
        cdef Operation sending = self.writing
        if self.closed:
            return None
        if self.closing:
            return PENDING if self.queued is not None or has_posts(self.behind) else self.end_in_order()
        if self.queued is None and not has_posts(self.behind):
            return self.end_in_order()
        self.closing = True
        if self.reading is not None:
            self.reading.waiter.wake_soon()
        for waiting in [waiting for waiting in self.behind or () if isinstance(waiting, Operation)]:
            self.behind.remove(waiting)
            (<Operation>waiting).waiter.wake_soon()
        if sending is not None:
            self.writing = None
            sending.waiter.wake_soon()
        if self.queued is None:
            self.advance()
            self.flush()
        return PENDING if self.queued is not None else self.end_in_order()

    cdef object end_in_order(self):
        self.shut(self.order())
        return None

    def fail(self, error):
        """End because of ``error``: the record says which, the peer gets RST; a drain's end is an orderly one."""
        if self.failure or end_failed(self.record, error, self.poller.refresh()) is not DRAINED:
            self.abort()  # what the kernel reported has ended the record already

    def __aenter__(self):
        return Ready(self)

    def __aexit__(self, kind, error, trace):
        if error is not None:
            self.fail(error)
        return self.close()

    # waiting

    cdef int bound(self, Operation operation, double now) except -1:
        """The caller's deadline or a limit of the connection, whichever is first; ``began`` is where that one counts from."""
        cdef double limit, since = operation.since
        cdef Struck struck
        operation.struck = CALLER
        if operation.writes:
            if operation.began == 0 or self.record.bytes_out - operation.searched >= PROGRESS:
                operation.began, operation.searched = now, self.record.bytes_out
            limit, since, struck = self.send_most if operation.kind != CLOSE else INFINITY, operation.began, SEND_LIMIT
        elif self.message >= 0 and (self.message < INFINITY or self.end > self.begin):
            if self.message == INFINITY:
                self.start_message(now)
            operation.began = self.message
            limit, since, struck = self.frame, self.message, FRAME_LIMIT
        elif self.end > self.begin and operation.kind > NEXT:
            if operation.began == 0:
                operation.began = now
            limit, since, struck = self.frame, operation.began, FRAME_LIMIT
        elif self.record.bytes_in == 0:
            limit, struck = self.first_byte, FIRST_BYTE_LIMIT
            since = max(since, self.record.last_out_at)
        else:
            limit, struck = self.idle, IDLE_LIMIT
            since = max(since, self.record.last_in_at, self.record.last_out_at)
        operation.expiry = operation.deadline
        if since + limit < operation.deadline:
            operation.expiry, operation.struck = since + limit, struck
        if self.draining and not operation.writes:
            limit = min(self.drain_at(operation), now + LOOK_AGAIN)
            if limit < operation.expiry:
                operation.expiry, operation.struck = limit, DRAINING
        return 0

    cdef double drain_at(self, Operation operation) except? -1.0:
        """When a drain may end this connection, whose reader waits; see ``proto.drain``."""
        busy = self.queued is not None or self.writing is not None or self.behind
        return may_end_at(
            operation.waiting,
            busy=busy or 0 <= self.message < INFINITY,
            begun=self.end > self.begin,
            answered=not self.owes,
            beside=self.record.last_out_at > operation.since,
            moved_at=max(self.record.last_in_at, self.record.last_out_at),
        )

    cdef object on_deadline(self, Operation operation, double now):
        cdef double began = operation.since
        stage = operation.stage if operation.struck == CALLER else STAGES[operation.struck]
        if operation.kind == CLOSE:
            self.record.end(Outcome.ABORTED, now, text="close: the peer did not read")
            self.abort()
            return None
        if operation.struck == DRAINING:
            raise ShuttingDownError(f"{self.record.service or 'service'} shuts down: {self!r} is between messages")
        if not operation.writes:
            if operation.began:
                began = operation.began
            elif operation.struck == IDLE_LIMIT or operation.struck == FIRST_BYTE_LIMIT:
                began = max(began, self.record.last_in_at, self.record.last_out_at)
            raise DeadlineError(stage, now - began)
        error = DeadlineError(stage, now - began, advice=f"{self.record.peer} does not read")
        error.queued = operation.kind == DRAIN
        raise error

    cdef int on_wait(self, Operation operation) except -1:
        if operation.writes or self.writing is None:
            self.record.wait_for(operation.waiting, self.poller.now)
        return 0

    cdef int on_resume(self, Operation operation) except -1:
        if operation.kind == CLOSE and not self.closed:
            self.abort()  # cancelled
        if self.reading is None and self.writing is None and not self.closed:
            self.record.wait_for(HANDLER, self.poller.now)
        return 0

    def finish_messages(self):
        """From now on a read between messages raises ClosedError; True if one waits there now.  For a drain."""
        cdef Py_ssize_t count
        self.draining = True
        if self.reading is None:
            return False
        if self.reading.kind == PASSED:
            self.readable = True  # it looks by itself: descriptors may come with the bytes
        elif not (self.closing or self.eof or self.failure):
            count = self.receive(self.poller.scratch, CHUNK)  # of what the poller has not served yet
            if count > 0:
                self.keep(self.poller.scratch, count)
                self.readable = True
        self.reading.waiter.wake_soon()  # it looks again, and arms the time of its end
        return self.drain_at(self.reading) <= self.poller.refresh()

    def begin_message(self):
        if self.message >= 0:
            raise UsageError(f"a message is open already on {self!r}", advice="end its block first")
        self.message = INFINITY

    def end_message(self):
        exchange, self.exchange = self.exchange, None
        if exchange is not None and self.record.last_out_at > exchange.began:
            exchange.answered = self.record.last_out_at
        self.message, self._subject = -1.0, ""


cdef bint has_posts(object behind):
    return behind is not None and len(behind) > 0 and not isinstance(behind[0], Operation)


cdef double seconds(Operation operation, name, value) except? -1.0:
    """``seconds_of``, whose error is raised when the operation is awaited."""
    cdef double found
    if PyFloat_CheckExact(value):
        found = PyFloat_AS_DOUBLE(value)
        if found == found:
            return found
    try:
        return seconds_of(name, value)
    except UsageError as error:
        refuse(operation, error)
        return INFINITY


cdef Py_ssize_t number(Operation operation, name, value, int least) except? -1:
    """A whole number of at least ``least``; the error is raised when the operation is awaited."""
    if isinstance(value, int) and value >= least:
        return min(value, PY_SSIZE_T_MAX)
    refuse(operation, UsageError(f"{name}={value!r}, {least} or more allowed"))
    return 1


cdef int refuse(Operation operation, error) except -1:
    """Raise ``error`` when the operation is awaited."""
    operation.refused, operation.detail = True, error
    return 0


cdef Operation with_detail(Operation operation, detail):
    if not operation.refused:
        operation.detail = detail
    return operation


cdef int check_parts(tuple parts) except -1:
    for part in parts:
        if not (PyBytes_CheckExact(part) or PyBytes_Check(part) or PyByteArray_Check(part) or PyMemoryView_Check(part)):
            raise UsageError(f"send of {type(part).__name__}, bytes, bytearray and memoryview allowed")
        if PyMemoryView_Check(part) and not part.c_contiguous:
            raise UsageError("send of a memoryview that is not contiguous", advice="send bytes(view)")
    return 0


cdef object take(Operation operation, const char* data, Py_ssize_t size, Py_ssize_t* used):
    """The operation's result from the front of ``data``, or PENDING."""
    cdef const char* found
    cdef Py_ssize_t width
    if operation.kind <= NEXT:
        used[0] = min(size, operation.size)
        return PyBytes_FromStringAndSize(data, used[0])
    if operation.kind == EXACT:
        if size < operation.size:
            return PENDING
        used[0] = operation.size
        return PyBytes_FromStringAndSize(data, operation.size)
    if operation.kind == LINES:
        return take_lines(operation, data, size, used)
    if operation.kind == LINE or operation.kind == NEXT_LINE:
        width = 1
        found = <const char*>memchr(data + operation.searched, 10, size - operation.searched)
    else:
        width = PyBytes_GET_SIZE(operation.detail)
        found = <const char*>memmem(
            data + operation.searched, size - operation.searched, PyBytes_AS_STRING(operation.detail), width
        )
    if found == NULL:
        operation.searched = max(0, size - width + 1)
        if size >= operation.size:
            raise LimitError("line" if operation.kind == NEXT_LINE else "limit", size + 1, operation.size)
        return PENDING
    used[0] = found - data + width
    if used[0] > operation.size:
        raise LimitError("line" if operation.kind == NEXT_LINE else "limit", used[0], operation.size)
    if operation.kind == NEXT_LINE:
        width += used[0] > 1 and data[used[0] - 2] == 13
        return PyBytes_FromStringAndSize(data, used[0] - width)
    return PyBytes_FromStringAndSize(data, used[0])


cdef object take_lines(Operation operation, const char* data, Py_ssize_t size, Py_ssize_t* used):
    """Every line that is complete, without its end."""
    cdef const char* found = <const char*>memchr(data + operation.searched, 10, size - operation.searched)
    cdef Py_ssize_t begin = 0, width
    cdef list lines
    if found == NULL:
        operation.searched = size
        if size >= operation.size:
            raise LimitError("line", size + 1, operation.size)
        return PENDING
    lines = []
    while found != NULL:
        width = found - data - begin
        if width >= operation.size:
            if begin:
                break  # the lines before it are good; the next call reports it
            raise LimitError("line", width + 1, operation.size)
        if width and data[begin + width - 1] == 13:
            width -= 1
        lines.append(PyBytes_FromStringAndSize(data + begin, width))
        begin = found - data + 1
        found = <const char*>memchr(data + begin, 10, size - begin)
    used[0] = begin
    return lines


cdef object take_or_keep(Stream stream, Operation operation, const char* data, Py_ssize_t size):
    """The result straight out of the shared receive buffer; what it leaves is kept."""
    cdef Py_ssize_t used = 0
    try:
        result = take(operation, data, size, &used)
    except BaseException:
        stream.keep(data, size)
        raise
    if result is PENDING:
        stream.keep(data, size)
    elif used < size:
        stream.keep(data + used, size - used)
    return result


@cython.final
cdef class Each:
    """Iterates over the results of one kind of read, for ``async for``."""

    cdef Stream stream
    cdef Verb kind
    cdef object detail

    def __init__(self, Stream stream, Verb kind, detail):
        self.stream, self.kind, self.detail = stream, kind, detail

    def __aiter__(self):
        return self

    def __anext__(self):
        cdef Operation operation = self.stream.operation(self.kind, None, None, "read", RECEIVE)
        if self.kind >= FRAME:
            operation.detail = self.detail
        else:
            operation.size = number(operation, "lines limit" if self.kind == NEXT_LINE else "line_batches limit", self.detail, 1)
        return operation

    def aclose(self):
        return Ready(None)


cdef Received received_of(Pipe pipe):
    cdef Received received = Received.__new__(Received)
    received.pipe = pipe
    return received
