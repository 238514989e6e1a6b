# cython: language_level=3, binding=False, embedsignature=True, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""The native Stream: ``stream.Stream`` on the epoll engine, with its own system calls.

Edge-triggered, read on demand: a descriptor is registered once, ``recv`` runs only while a task wants bytes, and back
pressure is the kernel's buffer.  An idle connection holds no buffer of ours.

A short read means that the kernel's buffer is empty, unless a FIN, an error or urgent data was announced, or the
socket is a Unix one, where a read stops at passed descriptors: such sockets (``glued`` is false) are read until EAGAIN.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.ref cimport Py_INCREF, PyObject
from libc.errno cimport EAGAIN, EINTR, errno
from libc.math cimport INFINITY
from libc.stdint cimport uint32_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memchr, memcpy, memmove, memset

from netwright.aio._native cimport (
    EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP, FRESH, PENDING, Operation, Poller, Ready,
    Watched,
)
from netwright.core._record cimport ConnectionRecord

import os
import warnings

from netwright.core.errors import (
    ClosedError, DeadlineError, IncompleteError, LimitError, ResetError, TransportError, UsageError,
)
from netwright.core.moment import Kind as Moment
from netwright.core.record import Outcome, Waiting

cdef extern from "unistd.h" nogil:
    int c_close "close"(int)

cdef extern from "sys/uio.h" nogil:
    struct iovec:
        void* iov_base
        size_t iov_len

cdef extern from "sys/socket.h" nogil:
    struct linger:
        int l_onoff
        int l_linger

    struct msghdr:
        iovec* msg_iov
        size_t msg_iovlen

    ssize_t c_recv "recv"(int, void*, size_t, int)
    ssize_t c_send "send"(int, const void*, size_t, int)
    ssize_t c_sendmsg "sendmsg"(int, const msghdr*, int)
    int c_shutdown "shutdown"(int, int)
    int c_setsockopt "setsockopt"(int, int, int, const void*, uint32_t)
    int MSG_NOSIGNAL, SHUT_WR, SOL_SOCKET, SO_LINGER

cdef extern from *:
    """
    #define _GNU_SOURCE 1
    #include <string.h>
    extern void* memmem(const void*, size_t, const void*, size_t);
    extern int _PyBytes_Resize(PyObject**, Py_ssize_t);
    /* A fresh bytes object that recv writes into. */
    static PyObject* nw_shrink(PyObject* bytes, Py_ssize_t size) {
        _PyBytes_Resize(&bytes, size);
        return bytes;
    }
    """
    void* memmem(const void*, size_t, const void*, size_t) nogil
    object nw_shrink(PyObject*, Py_ssize_t)

cdef enum Verb:
    READ
    NEXT  # read for ``async for``
    EXACT
    UNTIL
    LINE
    LINES
    FRAME
    NEXT_FRAME
    SEND  # waits for its turn
    DRAIN  # queued, waits for the kernel
    FINISH  # send_eof
    CLOSE

cdef enum:
    CHUNK = 65536  # bytes of one recv
    PARTS = 16  # of one writev

cdef Ready DONE = Ready(None)
cdef object RECEIVE = Waiting.RECEIVE
cdef object SENDING = Waiting.SEND
cdef object CLOSING = Waiting.CLOSE
cdef object HANDLER = Waiting.HANDLER
cdef tuple BETWEEN = (Waiting.RECEIVE, Waiting.NEXT_REQUEST)  # with nothing kept: between messages
cdef object FIRST_BYTE_STAGE = "first byte"
cdef object IDLE_STAGE = "idle"
cdef object FRAME_STAGE = "frame"
cdef object SEND_STAGE = "send"


cdef class Stream(Watched):
    """A connected byte stream; ``stream.Stream`` documents every verb."""

    def __init__(self, Poller poller, int fd, ConnectionRecord record, recorder, limits, *, made=""):
        """Takes ``fd``, a connected and non-blocking socket, over; ``made`` says where the program opened it."""
        self.record, self.recorder, self.glued, self.made = record, recorder, record.transport == "tcp", made
        self.patience, self.lifetime = -1.0, INFINITY
        self.limits = limits
        poller.add(self, fd, <uint32_t>(EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET))
        if limits.lifetime is not None:
            self.lifetime = record.opened_at + limits.lifetime
            poller.expect(self)

    def __dealloc__(self):
        free(self.buffer)

    def __del__(self):
        if self.poller is not None and not self.closed:
            warnings.warn(f"{self!r} was never closed{self.made}", ResourceWarning, source=self)
            self.abort()

    def __repr__(self):
        record = self.record
        return (
            f"<Stream {record.number} {record.peer} {record.outcome} in={record.bytes_in} out={record.bytes_out}>"
        )

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

    cdef Operation operation(self, int verb, object timeout, object deadline, object stage, object waiting):
        cdef Operation operation = Operation.__new__(Operation)
        operation.target, operation.kind, operation.writes = self, verb, verb >= SEND
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
        if self.begin == self.end and self.readable and not self.closed:
            count = self.receive(self.poller.scratch, CHUNK)
            if count > 0:
                self.keep(self.poller.scratch, count)
        count = min(limit, self.end - self.begin)
        return self.consume(count)

    def unread(self, bytes data not None):
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        if size > self.begin:
            self.reserve(size)
            memmove(self.buffer + self.begin + size, self.buffer + self.begin, self.end - self.begin)
            self.end += size
        else:
            self.begin -= size
        memcpy(self.buffer + self.begin, PyBytes_AS_STRING(data), size)

    cdef object attempt(self, Operation operation):
        if operation.writes:
            return self.attempt_write(operation)
        if operation.state == FRESH and operation.timeout == 0 and not self.closed:
            self.readable = True  # the poller had no chance yet to say so
        return self.attempt_read(operation)

    cdef object take_kept(self, Operation operation):
        """The result from what is kept."""
        cdef Py_ssize_t used = 0
        if operation.kind == FRAME or operation.kind == NEXT_FRAME:
            result = operation.detail.decode(Received(self))
            return PENDING if result is None else result
        result = take(operation, self.buffer + self.begin, self.end - self.begin, &used)
        if result is not PENDING:
            self.drop(used)
        return result

    cdef object attempt_read(self, Operation operation):
        cdef Py_ssize_t count, missing
        cdef char* scratch = self.poller.scratch
        if self.end > self.begin or (operation.kind == EXACT and operation.size == 0):
            result = self.take_kept(operation)
            if result is not PENDING:
                return result
        if self.closed:
            raise self.why("read")
        while self.readable:
            if self.budget <= 0:
                self.poller.turn(self)
                return PENDING
            if operation.kind <= NEXT:
                return self.read_direct(operation)
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

    cdef object read_direct(self, Operation operation):
        """For ``read``: no byte is kept, bulk goes straight into the result."""
        cdef Py_ssize_t count, size = min(operation.size, CHUNK)
        cdef PyObject* bulk
        if self.bulky:
            result = PyBytes_FromStringAndSize(NULL, size)
            count = self.receive(PyBytes_AS_STRING(result), size)
            if count > 0:
                self.bulky = count > CHUNK // 4
                if count == size:
                    return result
                Py_INCREF(result)
                bulk = <PyObject*>result
                result = None
                return nw_shrink(bulk, count)
        else:
            count = self.receive(self.poller.scratch, size)
            if count > 0:
                self.bulky = count == CHUNK
                return PyBytes_FromStringAndSize(self.poller.scratch, count)
        if self.failure:
            raise self.why("read")
        return self.at_end(operation) if self.eof else self.nothing(operation)

    cdef Py_ssize_t receive(self, char* into, Py_ssize_t size) except -2:
        """One recv.  0 or less: nothing now; ``eof`` or ``failure`` says why, and neither means EAGAIN."""
        cdef Py_ssize_t count
        while True:
            count = c_recv(self.fd, into, size, 0)
            if count >= 0 or errno != EINTR:
                break
        if count > 0:
            self.budget -= 1
            if count < size and self.glued:
                self.readable = False
            self.record.count_in(count, self.poller.now)
            return count
        self.readable = False
        if count == 0:
            self.eof = True
            self.record.note(Moment.FIN_RECEIVED, self.poller.now)
        elif errno != EAGAIN:
            self.fail(errno)
        return count

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
            raise ClosedError(f"{self.record.service or 'service'} shuts down: {self!r} ends between messages")
        return PENDING

    # the buffer

    cdef int reserve(self, Py_ssize_t size) except -1:
        """Room for ``size`` more bytes behind the end."""
        cdef Py_ssize_t kept = self.end - self.begin
        cdef char* moved
        if self.begin and (kept == 0 or self.end + size > self.capacity):
            memmove(self.buffer, self.buffer + self.begin, kept)
            self.begin, self.end = 0, kept
        if kept + size > self.capacity:
            self.capacity = max(kept + size, min(2 * self.capacity, kept + 16 * CHUNK))
            moved = <char*>realloc(self.buffer, self.capacity)
            if moved == NULL:
                raise MemoryError
            self.buffer = moved
        return 0

    cdef int keep(self, const char* data, Py_ssize_t size) except -1:
        self.reserve(size)
        memcpy(self.buffer + self.end, data, size)
        self.end += size
        return 0

    cdef int drop(self, Py_ssize_t size) except -1:
        """Take ``size`` bytes off the front; an empty buffer is given back."""
        self.begin += size
        if self.begin == self.end:
            free(self.buffer)
            self.buffer = NULL
            self.begin = self.end = self.capacity = 0
        return 0

    cdef object consume(self, Py_ssize_t size):
        if size <= 0:
            return b""
        result = PyBytes_FromStringAndSize(self.buffer + self.begin, size)
        self.drop(size)
        return result

    # writing

    def send(self, *parts, timeout=None, deadline=None, stage="send"):
        cdef Operation operation
        self.check_writable()
        if self.queued is None:
            self.push(parts)
            if self.queued is None and self.budget > 0:
                return DONE
            operation = self.operation(DRAIN, timeout, deadline, stage, SENDING)
        else:
            operation = self.operation(SEND, timeout, deadline, stage, SENDING)
            operation.detail = parts
        return operation

    cdef int check_writable(self) except -1:
        if self.closed or self.failure:
            raise self.why("send")
        if self.fin_sent:
            raise ClosedError(f"send after send_eof on {self!r}")
        self.poller.check_process()
        if self.writing is not None:
            raise UsageError(f"another task is already sending on {self!r}", advice="let one task send, or use a lock")
        return 0

    cdef int push(self, tuple parts) except -1:
        """One system call for all parts; what the kernel does not take is queued."""
        cdef Py_buffer views[PARTS]
        cdef iovec vector[PARTS]
        cdef Py_ssize_t total = 0
        cdef int index, held = 0
        if len(parts) > PARTS:
            parts = (b"".join(parts),)
        if len(parts) == 1 and PyBytes_CheckExact(parts[0]):
            vector[0].iov_base = PyBytes_AS_STRING(parts[0])
            vector[0].iov_len = PyBytes_GET_SIZE(parts[0])
            self.write(vector, 1, vector[0].iov_len, parts[0])
            return 0
        try:
            for index in range(len(parts)):
                PyObject_GetBuffer(parts[index], &views[index], PyBUF_SIMPLE)
                held += 1
                vector[index].iov_base = views[index].buf
                vector[index].iov_len = views[index].len
                total += views[index].len
            self.write(vector, held, total, None)
        finally:
            for index in range(held):
                PyBuffer_Release(&views[index])
        return 0

    cdef int write(self, void* parts_of, int parts, Py_ssize_t total, object whole) except -1:
        """``whole`` is the same bytes as one object, if they are one: then nothing is copied."""
        cdef iovec* vector = <iovec*>parts_of
        cdef msghdr message
        cdef Py_ssize_t sent
        if total == 0:
            return 0
        while True:
            if parts == 1:
                sent = c_send(self.fd, vector.iov_base, vector.iov_len, MSG_NOSIGNAL)
            else:
                memset(&message, 0, sizeof(message))
                message.msg_iov, message.msg_iovlen = vector, parts
                sent = c_sendmsg(self.fd, &message, MSG_NOSIGNAL)
            if sent >= 0 or errno != EINTR:
                break
        if sent < 0:
            if errno != EAGAIN:
                self.fail(errno)
                raise self.why("send")
            sent = 0
        self.budget -= 1
        if sent:
            self.record.count_out(sent, self.poller.now)
        if sent < total:
            self.queued_from = 0
            if whole is not None:
                self.queued, self.queued_from = whole, sent
            else:
                self.queued = rest_of(vector, parts, sent, total)
        elif self.budget <= 0:
            self.poller.turn(self)
        return 0

    cdef int flush(self) except -1:
        """The kernel has room: give it what is queued."""
        cdef Py_ssize_t sent, rest
        while self.queued is not None:
            rest = PyBytes_GET_SIZE(self.queued) - self.queued_from
            sent = c_send(self.fd, PyBytes_AS_STRING(self.queued) + self.queued_from, rest, MSG_NOSIGNAL)
            if sent < 0:
                if errno == EINTR:
                    continue
                if errno != EAGAIN:
                    self.fail(errno)
                return 0
            self.record.count_out(sent, self.poller.now)
            self.queued_from += sent
            if sent == rest:
                self.queued = None
        return 0

    cdef object attempt_write(self, Operation operation):
        if self.closed:
            if operation.kind == CLOSE:
                return None
            raise self.why("send")
        if self.failure:
            if operation.kind == CLOSE:
                self.shut(Outcome.RESET)
                return None
            raise self.why("send")
        if self.queued is not None:
            return PENDING
        if operation.kind == SEND:
            parts, operation.detail = operation.detail, None
            operation.kind = DRAIN
            self.push(parts)
            if self.queued is not None:
                return PENDING
        if operation.kind == FINISH:
            self.finish()
        elif operation.kind == CLOSE:
            self.shut(Outcome.PEER_CLOSED if self.eof else Outcome.CLOSED)
        elif self.budget <= 0:
            return PENDING
        return None

    def send_frame(self, framing, payload, *, timeout=None, deadline=None):
        return self.send(*framing.encode(payload), timeout=timeout, deadline=deadline)

    def send_eof(self):
        if self.fin_sent:
            return DONE
        self.check_writable()
        if self.queued is not None:
            return self.operation(FINISH, None, None, "send", SENDING)
        self.finish()
        return DONE

    cdef int finish(self) except -1:
        self.fin_sent = True
        if c_shutdown(self.fd, SHUT_WR) < 0:
            self.fail(errno)
            raise self.why("send")
        self.record.note(Moment.FIN_SENT, self.poller.now)
        return 0

    # the end

    def close(self, *, timeout=None):
        if self.closed:
            return DONE
        if self.queued is None or self.failure:
            self.shut(Outcome.RESET if self.failure else Outcome.PEER_CLOSED if self.eof else Outcome.CLOSED)
            return DONE
        if self.writing is not None:
            self.abort()
            return DONE
        self.record.end(Outcome.PEER_CLOSED if self.eof else Outcome.CLOSED, self.poller.refresh())
        return self.operation(CLOSE, self._limits.close if timeout is None else timeout, None, "close", CLOSING)

    def abort(self):
        cdef linger now
        if self.closed:
            return
        if self.poller.is_ours():
            now.l_onoff, now.l_linger = 1, 0
            c_setsockopt(self.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now))
        self.shut(Outcome.ABORTED)

    def __aenter__(self):
        return Ready(self)

    def __aexit__(self, kind, error, traceback):
        if kind is None:
            return self.close()
        self.abort()
        return DONE

    cdef int fail(self, int number) except -1:
        """The connection is dead; what the kernel holds can still be read."""
        if not self.failure:
            self.failure = number
            self.record.end(Outcome.RESET, self.poller.now, detail=os.strerror(number))
        self.queued = None
        return 0

    cdef object why(self, doing):
        """Why nothing can be done any more, as a new error."""
        if not self.failure:
            return ClosedError(f"{doing}: the connection to {self.record.peer} is closed")
        cause = OSError(self.failure, os.strerror(self.failure))
        if isinstance(cause, ConnectionError):
            error = ResetError(f"{doing}: {self.record.peer} reset the connection")
        else:
            error = TransportError(f"{doing}: {cause.strerror}")
        error.__cause__ = cause
        return error

    cdef int shut(self, object outcome) except -1:
        """Close the descriptor; whoever waits wakes with ClosedError."""
        if self.closed:
            return 0
        cdef double now = self.poller.refresh()
        self.closed = True
        self.queued = None
        self.poller.remove(self)
        c_close(self.fd)
        self.fd = -1
        self.readable = False
        self.drop(self.end - self.begin)
        self.record.end(outcome, now)
        if self.recorder is not None:
            self.recorder.close(self.record, now)
        if self.reading is not None:
            self.reading.waiter.wake_soon()
        if self.writing is not None:
            self.writing.waiter.wake_soon()
        return 0

    # called by the poller

    cdef int on_event(self, uint32_t events) except -1:
        self.budget = 16
        if events & <uint32_t>(EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI):
            self.readable = True
            if events & <uint32_t>(EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI):
                self.glued = False
        if self.queued is not None:
            self.flush()
        if self.writing is not None and self.queued is None:
            self.writing.wake()
        if self.reading is not None and (self.readable or self.failure):
            self.reading.wake()
        return 0

    cdef double on_time(self, double now) except? -1.0:
        if self.lifetime <= now and not self.closed:
            self.record.end(Outcome.DEADLINE, now, stage="lifetime", detail=f"open for {now - self.record.opened_at:.3g} s")
            self.abort()
        return Watched.on_time(self, now)

    cdef double soonest(self) noexcept:
        return min(self.lifetime, Watched.soonest(self))

    cdef int bound(self, Operation operation, double now) except -1:
        """The caller's deadline or a limit of the connection, whichever is first; ``began`` is where that one counts from."""
        cdef double limit, since = operation.since
        operation.struck = operation.stage
        if operation.writes:
            limit, name = self.send_most if operation.kind != CLOSE else INFINITY, SEND_STAGE
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
        cdef double began = operation.began if operation.began else operation.since
        if operation.kind == CLOSE:
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
    if used < size:
        stream.keep(data + used, size - used)
    return result


cdef bytes rest_of(iovec* vector, int parts, Py_ssize_t sent, Py_ssize_t total):
    """The bytes behind the first ``sent``, as one object."""
    cdef bytes rest = PyBytes_FromStringAndSize(NULL, total - sent)
    cdef char* into = PyBytes_AS_STRING(rest)
    cdef Py_ssize_t size
    cdef int index
    for index in range(parts):
        size = vector[index].iov_len
        if sent >= size:
            sent -= size
            continue
        memcpy(into, <char*>vector[index].iov_base + sent, size - sent)
        into += size - sent
        sent = 0
    return rest


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


@cython.final
cdef class Received:
    """What a stream keeps, with the names of ``core.buffer.ReceiveBuffer``: for framings."""

    cdef Stream stream

    def __init__(self, Stream stream):
        self.stream = stream

    def __len__(self):
        return self.stream.end - self.stream.begin

    def take(self, Py_ssize_t count):
        return self.stream.consume(min(count, self.stream.end - self.stream.begin))

    def take_all(self):
        return self.stream.consume(self.stream.end - self.stream.begin)

    def skip(self, Py_ssize_t count):
        self.stream.drop(min(count, self.stream.end - self.stream.begin))

    def peek(self, Py_ssize_t count, Py_ssize_t offset=0):
        cdef Py_ssize_t size = min(count, self.stream.end - self.stream.begin - offset)
        return PyBytes_FromStringAndSize(self.stream.buffer + self.stream.begin + offset, max(size, 0))

    def find(self, bytes target not None):
        cdef const char* data = self.stream.buffer + self.stream.begin
        cdef const char* found = <const char*>memmem(
            data, self.stream.end - self.stream.begin, PyBytes_AS_STRING(target), PyBytes_GET_SIZE(target)
        )
        return -1 if found == NULL else found - data

    def rfind(self, bytes target not None):
        return self.peek(self.stream.end - self.stream.begin).rfind(target)
