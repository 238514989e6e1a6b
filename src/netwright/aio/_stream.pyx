# cython: language_level=3, binding=False, embedsignature=True, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""The native Stream: the verbs of ``stream.Stream`` on the native connection.

A verb gives an ``Operation``, which tries at once and again whenever the poller has news; a send that succeeds at once
gives a shared awaitable that is done.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.math cimport INFINITY
from libc.string cimport memchr

from netwright.aio._native cimport FRESH, PENDING, Operation, Poller, Ready, Watched
from netwright.aio._pipe cimport CHUNK, Pipe, Received
from netwright.core._record cimport ConnectionRecord

import os
import warnings

from netwright.aio.outcome import ShuttingDownError, end_failed
from netwright.core.errors import ClosedError, DeadlineError, IncompleteError, LimitError, UsageError
from netwright.core.record import Outcome, Waiting
from netwright.wire.tcp_info import parse_tcp_info

cdef extern from *:
    """
    #include <string.h>
    extern void* memmem(const void*, size_t, const void*, size_t);
    """
    void* memmem(const void*, size_t, const void*, size_t) nogil

cdef enum Verb:
    READ
    NEXT  # read for ``async for``
    EXACT
    UNTIL
    LINE
    LINES
    FRAME
    NEXT_FRAME
    TURN  # a send that waits for what is queued
    DRAIN  # a send that waits for the kernel
    FILE  # send_file
    FINISH  # send_eof
    CLOSE


cdef enum:
    PROGRESS = 64 * 1024  # bytes that a slow peer has to read within ``limits.send`` seconds, as in stream.py


cdef Ready DONE = Ready(None)
cdef object OPEN = Outcome.OPEN
cdef object DRAINED = Outcome.DRAINED
cdef object RECEIVE = Waiting.RECEIVE
cdef object SENDING = Waiting.SEND
cdef object CLOSING = Waiting.CLOSE
cdef object HANDLER = Waiting.HANDLER
cdef tuple BETWEEN = (Waiting.RECEIVE, Waiting.NEXT_REQUEST)  # with nothing kept: between messages
cdef object FIRST_BYTE_STAGE = "first byte"
cdef object IDLE_STAGE = "idle"
cdef object FRAME_STAGE = "frame"
cdef object SEND_STAGE = "send"


cdef class Stream(Pipe):
    """A connected byte stream; ``stream.Stream`` documents every verb."""

    cdef object made, _limits
    cdef double patience, first_byte, idle, frame, send_most
    cdef bint draining
    cdef object __weakref__

    def __init__(self, Poller poller, int fd, ConnectionRecord record, recorder, limits, *, made=""):
        """Takes ``fd``, a connected and non-blocking socket, over; ``made`` says where the program opened it."""
        self.made, self.patience = made, -1.0
        self.limits = limits
        Pipe.__init__(self, poller, fd, record, recorder)
        if limits.lifetime is not None:
            self.lifetime = record.opened_at + limits.lifetime
            poller.expect(self)

    def tcp_info(self):
        """What the kernel knows of the connection now; None for a Unix socket."""
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
        return None if self.patience < 0 else self.patience

    @timeout.setter
    def timeout(self, value):
        self.patience = -1.0 if value is None else value

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

    @property
    def at_eof(self):
        return self.eof and self.begin == self.end

    def fileno(self):
        """The descriptor; -1 once closed."""
        return self.fd

    # reading

    cdef Operation operation(self, Verb verb, object timeout, object deadline, object stage, object waiting):
        cdef Operation operation = Operation.__new__(Operation)
        operation.target, operation.kind, operation.writes = self, verb, verb >= TURN
        operation.stage, operation.waiting = stage, waiting
        operation.timeout = self.patience if timeout is None else timeout
        operation.deadline = INFINITY if deadline is None else deadline
        return operation

    def read(self, Py_ssize_t limit=CHUNK, *, timeout=None, deadline=None, stage="read", waiting=RECEIVE):
        if limit < 1:
            raise UsageError(f"read limit {limit}, 1 or more allowed")
        cdef Operation operation = self.operation(READ, timeout, deadline, stage, waiting)
        operation.size = limit
        return operation

    def __aiter__(self):
        return self

    def __anext__(self):
        cdef Operation operation = self.operation(NEXT, None, None, "read", RECEIVE)
        operation.size = CHUNK
        return operation

    def read_exactly(self, Py_ssize_t count, *, timeout=None, deadline=None, stage="read", waiting=RECEIVE):
        if count < 0:
            raise UsageError(f"read of {count} bytes, 0 or more allowed")
        cdef Operation operation = self.operation(EXACT, timeout, deadline, stage, waiting)
        operation.size = count
        return operation

    def read_until(self, bytes delimiter not None, *, Py_ssize_t limit=CHUNK, timeout=None, deadline=None, stage="read", waiting=RECEIVE):
        if not delimiter:
            raise UsageError("empty delimiter")
        cdef Operation operation = self.operation(UNTIL, timeout, deadline, stage, waiting)
        operation.size, operation.detail = limit, delimiter
        return operation

    def readline(self, *, Py_ssize_t limit=CHUNK, timeout=None, deadline=None, stage="read", waiting=RECEIVE):
        cdef Operation operation = self.operation(LINE, timeout, deadline, stage, waiting)
        operation.size = limit
        return operation

    def lines(self, *, Py_ssize_t limit=CHUNK):
        return Lines(self, limit)

    def read_frame(self, framing, *, timeout=None, deadline=None, stage="read", waiting=RECEIVE):
        cdef Operation operation = self.operation(FRAME, timeout, deadline, stage, waiting)
        operation.detail = framing
        return operation

    def frames(self, framing):
        return Frames(self, framing)

    def read_nowait(self, Py_ssize_t limit=CHUNK):
        cdef Py_ssize_t count
        if self.reading is not None:
            raise UsageError(f"another task is already reading from {self!r}", advice="let one task read")
        if self.closing:
            raise self.why("read")
        if self.begin == self.end and self.readable:
            count = self.receive(self.poller.scratch, CHUNK)
            if count > 0:
                self.keep(self.poller.scratch, count)
        return self.consume(min(limit, self.end - self.begin))

    def unread(self, bytes data not None):
        if data:
            self.prepend(data)

    cdef object attempt(self, Operation operation):
        if operation.writes:
            return self.attempt_write(operation)
        if operation.state == FRESH and operation.timeout == 0:
            self.readable = True  # the poller had no chance yet to say so
        return self.attempt_read(operation)

    cdef object take_kept(self, Operation operation):
        """The result from what is kept."""
        cdef Py_ssize_t used = 0
        if operation.kind == FRAME or operation.kind == NEXT_FRAME:
            result = operation.detail.decode(received_of(self))
            return PENDING if result is None else result
        result = take(operation, self.buffer + self.begin, self.end - self.begin, &used)
        if result is not PENDING:
            self.drop(used)
        return result

    cdef object attempt_read(self, Operation operation):
        cdef Py_ssize_t count, missing
        cdef char* scratch = self.poller.scratch
        if self.closing:
            raise self.why("read")
        if self.end > self.begin or (operation.kind == EXACT and operation.size == 0):
            result = self.take_kept(operation)
            if result is not PENDING:
                return result
        while self.readable:
            if self.budget <= 0:
                self.poller.turn(self)
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
        return self.at_end(operation) if self.eof else self.nothing(operation)

    cdef object at_end(self, Operation operation):
        """The peer sent FIN, and what is kept does not make a whole."""
        cdef Py_ssize_t rest = self.end - self.begin
        if operation.kind == READ:
            return b""
        if operation.kind == LINE:
            return self.consume(rest)
        if operation.kind == LINES and rest:
            return [self.consume(rest).removesuffix(b"\r")]
        if operation.kind == NEXT or operation.kind == LINES:
            raise StopAsyncIteration
        if operation.kind == EXACT:
            wanted = f"{operation.size} bytes"
        elif operation.kind == UNTIL:
            wanted = repr(operation.detail)
        elif rest == 0 and operation.kind == NEXT_FRAME:
            raise StopAsyncIteration
        else:
            wanted = f"a message of {operation.detail}"
        raise IncompleteError(f"{self.record.peer} ended {rest} bytes into {wanted}", partial=self.consume(rest))

    cdef object nothing(self, Operation operation):
        """PENDING, unless a drain ends the connection here, between messages."""
        if self.draining and self.begin == self.end and operation.waiting in BETWEEN:
            raise ShuttingDownError(f"{self.record.service or 'service'} shuts down: {self!r} is between messages")
        return PENDING

    # writing

    def send(self, *parts, timeout=None, deadline=None, stage="send"):
        cdef Operation operation
        self.check_writable()
        if self.queued is not None:  # what a cancelled send left
            operation = self.operation(TURN, timeout, deadline, stage, SENDING)
            operation.detail = parts
            return operation
        self.push(parts)
        if self.queued is None and self.budget > 0:
            return DONE
        return self.operation(DRAIN, timeout, deadline, stage, SENDING)

    def send_frame(self, framing, message, *, timeout=None, deadline=None):
        return self.send(*framing.encode(message), timeout=timeout, deadline=deadline)

    def send_file(self, file, *, Py_ssize_t offset=0, count=None, timeout=None, deadline=None):
        cdef Operation operation
        self.check_writable()
        operation = self.operation(FILE, timeout, deadline, "send", SENDING)
        operation.detail, operation.offset = (file.fileno(), offset), offset
        operation.size = max(os.fstat(file.fileno()).st_size - offset, 0) if count is None else count
        return operation

    def send_eof(self):
        if self.fin_sent:
            return DONE
        self.check_writable()
        if self.queued is not None:
            return self.operation(FINISH, None, None, "send", SENDING)
        self.send_fin()
        return DONE

    cdef int check_writable(self) except -1:
        if self.closing or self.failure:
            raise self.why("send")
        if self.fin_sent:
            raise ClosedError(f"send after send_eof on {self!r}")
        self.poller.check_process()
        if self.writing is not None:
            raise UsageError(f"another task is already sending on {self!r}", advice="let one task send, or use a lock")
        return 0

    cdef object attempt_write(self, Operation operation):
        if operation.kind == CLOSE:
            if self.queued is not None:
                return PENDING
            self.shut(self.order())
            return None
        if self.closing or self.failure:
            raise self.why("send")
        if self.queued is not None:
            return PENDING
        if operation.kind == TURN:
            parts, operation.detail = operation.detail, None
            operation.kind = DRAIN
            self.push(parts)
            if self.queued is not None:
                return PENDING
        if operation.kind == FILE:
            descriptor, offset = operation.detail
            if self.write_file(descriptor, &operation.offset, &operation.size):
                return operation.offset - offset
            return PENDING
        if operation.kind == FINISH:
            self.send_fin()
        elif self.budget <= 0:
            return PENDING
        return None

    # the end

    cdef object order(self):
        """Ready to close in order: who ended first?"""
        self.discard()
        return Outcome.PEER_CLOSED if self.fin_seen and not self.fin_sent else Outcome.CLOSED

    def close(self, *, timeout=None):
        cdef Operation sending = self.writing
        if self.closing:
            return DONE
        if self.queued is None:
            self.shut(self.order())
            return DONE
        self.closing = True
        if self.reading is not None:
            self.reading.waiter.wake_soon()
        if sending is not None:
            self.writing = None
            sending.waiter.wake_soon()
        return self.operation(CLOSE, self._limits.close if timeout is None else timeout, None, "close", CLOSING)

    def fail(self, error):
        """End because of ``error``: the record says which, the peer gets RST; a drain's end is an orderly one."""
        if end_failed(self.record, error, self.poller.refresh()) is not DRAINED:
            self.abort()

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
        operation.struck = operation.stage
        if operation.writes:
            if operation.began == 0 or self.record.bytes_out - operation.searched >= PROGRESS:
                operation.began, operation.searched = now, self.record.bytes_out
            limit, since, name = self.send_most if operation.kind != CLOSE else INFINITY, operation.began, SEND_STAGE
        elif self.end > self.begin and operation.kind > NEXT:
            if operation.began == 0:
                operation.began = now
            limit, since, name = self.frame, operation.began, FRAME_STAGE
        elif self.record.bytes_in == 0:
            limit, name = self.first_byte, FIRST_BYTE_STAGE
        else:
            limit, name = self.idle, IDLE_STAGE
            since = max(since, self.record.last_in_at, self.record.last_out_at)
        operation.expiry = operation.deadline
        if since + limit < operation.deadline:
            operation.expiry, operation.struck = since + limit, name
        return 0

    cdef object on_deadline(self, Operation operation, double now):
        cdef double began = operation.began if operation.began and not operation.writes else operation.since
        if operation.kind == CLOSE:
            self.record.end(Outcome.ABORTED, now, text="close: the peer did not read")
            self.abort()
            return None
        advice = f"{self.record.peer} does not read" if operation.writes else ""
        raise DeadlineError(operation.struck, now - began, advice=advice)

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
        self.draining = True
        if self.reading is None or self.begin != self.end or self.reading.waiting not in BETWEEN:
            return False
        self.reading.waiter.wake_soon()
        return True


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
    if operation.kind == LINE:
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
            raise LimitError("limit", size + 1, operation.size)
        return PENDING
    used[0] = found - data + width
    if used[0] > operation.size:
        raise LimitError("limit", used[0], operation.size)
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
cdef class Lines:
    """Batches of lines, for ``async for``."""

    cdef Stream stream
    cdef Py_ssize_t limit

    def __init__(self, Stream stream, Py_ssize_t limit):
        self.stream, self.limit = stream, limit

    def __aiter__(self):
        return self

    def __anext__(self):
        cdef Operation operation = self.stream.operation(LINES, None, None, "read", RECEIVE)
        operation.size = self.limit
        return operation


@cython.final
cdef class Frames:
    """Messages of a framing, for ``async for``."""

    cdef Stream stream
    cdef object framing

    def __init__(self, Stream stream, framing):
        self.stream, self.framing = stream, framing

    def __aiter__(self):
        return self

    def __anext__(self):
        cdef Operation operation = self.stream.operation(NEXT_FRAME, None, None, "read", RECEIVE)
        operation.detail = self.framing
        return operation


cdef Received received_of(Pipe pipe):
    cdef Received received = Received.__new__(Received)
    received.pipe = pipe
    return received
