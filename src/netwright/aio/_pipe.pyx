# cython: language_level=3, binding=False, embedsignature=True, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""The native connection below the verbs: one descriptor, its system calls, and the bytes that are kept.

Edge-triggered, read on demand: a descriptor is registered once, ``recv`` runs only while a task wants bytes, and back
pressure is the kernel's buffer.  An idle connection holds no buffer of ours.

A short read means that the kernel's buffer is empty, unless a FIN, an error or urgent data was announced, or the
socket is a Unix one, where a read stops at passed descriptors: such sockets are read until EAGAIN
(``short_read_empties`` is false).
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytearray cimport PyByteArray_CheckExact
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.ref cimport Py_INCREF, PyObject
from libc.errno cimport EAGAIN, EBADF, EINTR, EINVAL, EIO, EOVERFLOW, ETIMEDOUT, errno
from libc.math cimport INFINITY
from libc.stdint cimport uint32_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memmove, memset
from posix.types cimport off_t

from netwright.aio._native cimport (
    EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP,
    Operation, Poller, Watched, has_children,
)
from netwright.core._record cimport ConnectionRecord

import os
from collections import deque

from netwright.aio.outcome import end_broken, failure_of
from netwright.core.errors import ClosedError, DeadlineError, LimitError, ResetError, TransportError, UsageError
from netwright.core.moment import Kind
from netwright.core.record import Outcome

cdef extern from "unistd.h" nogil:
    int c_close "close"(int)

cdef extern from "sys/sendfile.h" nogil:
    ssize_t c_sendfile "sendfile"(int, int, off_t*, size_t)

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
    int c_getsockopt "getsockopt"(int, int, int, void*, uint32_t*)
    int MSG_NOSIGNAL, SHUT_WR, SOL_SOCKET, SO_ERROR, SO_LINGER

cdef extern from "netinet/in.h" nogil:
    int IPPROTO_TCP

cdef extern from "netinet/tcp.h" nogil:
    int TCP_INFO

cdef extern from *:
    """
    /* Cut a fresh bytes object, which nobody else has seen, to the size that recv filled. */
    static PyObject* nw_shrink(PyObject* bytes, Py_ssize_t size) {
        _PyBytes_Resize(&bytes, size);
        return bytes;
    }
    extern void* memmem(const void*, size_t, const void*, size_t);
    """
    object nw_shrink(PyObject*, Py_ssize_t)
    void* memmem(const void*, size_t, const void*, size_t) nogil

cdef enum:
    INFO_SIZE = 512  # bytes, more than any kernel's struct tcp_info
    PARTS = 16  # of one writev; more are joined first
    BUDGET = 16  # reads and sends that succeed at once before the other tasks get their turn


cdef object ABORTED = Outcome.ABORTED
cdef object RESET = Outcome.RESET
cdef dict WORDS = {}  # of the errors that were seen


@cython.final
@cython.no_gc
cdef class TcpInfoProbe:
    """``kernel.probe_of`` for a descriptor; the pipe drops it before it closes ``fd``."""

    cdef int fd

    def __init__(self, int fd):
        self.fd = fd

    def __call__(self):
        cdef char into[INFO_SIZE]
        cdef uint32_t size = INFO_SIZE
        if c_getsockopt(self.fd, IPPROTO_TCP, TCP_INFO, into, &size) < 0:
            return b""
        return PyBytes_FromStringAndSize(into, size)


cdef class Pipe(Watched):
    """One connection; ``pipe.Pipe`` has the attributes."""

    def __init__(self, Poller poller, int fd, ConnectionRecord record, recorder, channel=None):
        """Takes ``fd``, a connected and non-blocking socket, over; ``channel``, if there is one, owns and watches it."""
        self.record, self.recorder, self.short_read_empties = record, recorder, record.transport == "tcp"
        self.lifetime = self.stalled_at = INFINITY
        if self.short_read_empties:
            record.probe = TcpInfoProbe(fd)
        if channel is None:
            poller.add(self, fd, <uint32_t>(EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET))
            return
        poller.add(self, fd, 0)
        self.channel, self.short_read_empties, self.readable = channel, False, True

    def __dealloc__(self):
        free(self.buffer)

    # receiving

    cdef Py_ssize_t receive(self, char* into, Py_ssize_t size) except -2:
        """One recv.  0 or less: nothing now; ``eof`` or ``failure`` says why, and neither means EAGAIN."""
        cdef Py_ssize_t count
        if self.channel is not None:
            return self.take(into, size)
        while True:
            count = c_recv(self.fd, into, size, 0)
            if count >= 0 or errno != EINTR:
                break
        if count > 0:
            self.budget -= 1
            if count < size and self.short_read_empties:
                self.readable = False
            self.record.count_in(count, self.poller.refresh())
            return count
        self.readable = False
        if count == 0:
            self.eof = True
            if not self.failure:
                self.see_fin()
        elif errno != EAGAIN:
            self.fail_with(errno)
        return count

    cdef int see_fin(self) except -1:
        """The peer's FIN is here, perhaps behind bytes that nobody read yet."""
        if not self.fin_seen:
            self.fin_seen = True
            self.record.note(Kind.FIN_RECEIVED, self.poller.refresh())
        return 0

    cdef int see_error(self) except -1:
        """The connection died; bytes that came before can still be read."""
        cdef int number = 0
        cdef uint32_t size = sizeof(number)
        if c_getsockopt(self.fd, SOL_SOCKET, SO_ERROR, &number, &size) == 0 and number:
            self.fail_with(number)
        return 0

    cdef object receive_bytes(self, Py_ssize_t size):
        """One recv as a new object, None if nothing came; bulk goes straight into it."""
        cdef Py_ssize_t count
        cdef PyObject* whole
        if not self.reads_large:
            count = self.receive(self.poller.scratch, size)
            self.reads_large = count == CHUNK
            return None if count <= 0 else PyBytes_FromStringAndSize(self.poller.scratch, count)
        result = PyBytes_FromStringAndSize(NULL, size)
        count = self.receive(PyBytes_AS_STRING(result), size)
        if count == size:
            return result
        if count <= 0:
            return None
        self.reads_large = count > CHUNK // 4
        Py_INCREF(result)
        whole = <PyObject*>result
        result = None
        return nw_shrink(whole, count)

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

    cdef int prepend(self, bytes data) except -1:
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data), kept = self.end - self.begin
        if size > self.begin:
            self.reserve(size)
            memmove(self.buffer + self.begin + size, self.buffer + self.begin, kept)
            self.end += size
        else:
            self.begin -= size
        memcpy(self.buffer + self.begin, PyBytes_AS_STRING(data), size)
        self.find_from, self.resume = 0, None
        return 0

    cdef int drop(self, Py_ssize_t size) except -1:
        """Take ``size`` bytes off the front; an empty buffer is given back."""
        self.begin += size
        if self.find_from:
            self.find_from = max(0, self.find_from - size)
        if size and self.resume is not None:
            self.resume = None
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

    # sending

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
            return self.write(vector, 1, vector[0].iov_len, parts[0])
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

    cdef int write(self, void* vector_, int parts, Py_ssize_t total, object whole) except -1:
        """``whole`` is the same bytes as one object, if they are one: then nothing is copied."""
        cdef iovec* vector = <iovec*>vector_
        cdef msghdr message
        cdef Py_ssize_t sent
        if total == 0:
            return 0
        if self.channel is not None:
            self.queued, self.queued_from = rest_of(vector, parts, 0, total) if whole is None else whole, 0
            self.flush()
            if self.failure:
                raise self.why("send")
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
                self.fail_with(errno)
                raise self.why("send")
            sent = 0
        if sent:
            self.record.count_out(sent, self.poller.refresh())
        if sent < total:
            self.queued_from = 0
            if whole is not None:
                self.queued, self.queued_from = whole, sent
            else:
                self.queued = rest_of(vector, parts, sent, total)
        return 0

    cdef Py_ssize_t send_some(self, const char* data, Py_ssize_t size) except -2:
        """One send; returns the bytes that the kernel took, 0 if it has no room, -1 if the connection is dead."""
        cdef Py_ssize_t sent
        if self.channel is not None:
            return self.give(data, size)
        while True:
            sent = c_send(self.fd, data, size, MSG_NOSIGNAL)
            if sent >= 0 or errno != EINTR:
                break
        if sent > 0:
            self.record.count_out(sent, self.poller.refresh())
        elif sent < 0 and errno == EAGAIN:
            sent = 0
        elif sent < 0:
            self.fail_with(errno)
        return sent

    cdef int flush(self) except -1:
        """The kernel has room: give it what is queued."""
        cdef Py_ssize_t sent, rest
        while self.queued is not None:
            rest = PyBytes_GET_SIZE(self.queued) - self.queued_from
            sent = self.send_some(PyBytes_AS_STRING(self.queued) + self.queued_from, rest)
            if sent <= 0:
                return 0 if self.channel is None else self.watch()
            self.queued_from += sent
            if self.queued_posted:
                self.posted -= sent
            if sent == rest:
                self.queued, self.queued_posted = None, False
                self.advance()
        return 0

    cdef int advance(self) except -1:
        """Nothing is queued: queue the posts in front, for ``flush``, or give the next send its turn."""
        cdef list posts
        cdef Py_ssize_t size = 0
        if self.queued is not None or not self.behind or (self.writing is not None and not self.closing):
            return 0
        posts = []
        while self.behind and size < CHUNK and not isinstance(self.behind[0], Operation):
            posts.append(self.behind.popleft())
            size += len(posts[len(posts) - 1])
        if posts:
            self.queued, self.queued_from, self.queued_posted = b"".join(posts), 0, True
        elif self.writing is None:
            self.writing = self.behind.popleft()
            self.writing.waiter.wake_soon()
        return 0

    cdef bint post_bytes(self, bytes data, Py_ssize_t most, double patience) except -1:
        """Queue ``data`` behind everything; False if the connection has ended, or ends now."""
        cdef Py_ssize_t before = self.posted, size = PyBytes_GET_SIZE(data), sent
        if self.closing or self.failure or self.fin_sent:
            return False
        if self.queued is None and self.writing is None and not self.behind:
            sent = self.send_some(PyBytes_AS_STRING(data), size) if size else 0
            if sent == size:
                return True
            if sent < 0:
                return False
            self.queued, self.queued_from, self.queued_posted = data, sent, True
            self.posted = size - sent
            if self.channel is not None:
                self.watch()
        elif size:
            self.posted += size
            if self.behind is None:
                self.behind = deque()
            last = self.behind[len(self.behind) - 1] if self.behind else None
            if size >= SMALL:
                self.behind.append(data)
            elif PyByteArray_CheckExact(last):
                last += data  # in place
            else:
                self.behind.append(bytearray(data))
        if self.posted > most:
            self.end_by(LimitError("outbox", self.posted, most), Outcome.LIMIT, "outbox")
            return False
        if before == 0 and self.posted and patience < INFINITY:
            self.stall_began, self.stall_from = self.poller.refresh(), self.record.bytes_out
            self.stalled_at = self.stall_began + patience
            self.poller.expect(self)
        return True

    cdef int look_at_posts(self, double now) except -1:
        """The progress rule of ``Limits.send``, for bytes that no send waits for."""
        cdef double patience = self.stalled_at - self.stall_began
        self.stalled_at = INFINITY
        if self.posted == 0:
            return 0
        if self.record.bytes_out - self.stall_from < PROGRESS:
            return self.end_by(DeadlineError("send", now - self.stall_began), Outcome.DEADLINE, "send")
        self.stall_began, self.stall_from, self.stalled_at = now, self.record.bytes_out, now + patience
        return 0

    cdef int end_by(self, object cause, object outcome, object stage) except -1:
        """This side ends the connection because of ``cause``, which its verbs raise from now on."""
        self.cause = cause
        self.record.end(outcome, self.poller.refresh(), stage=stage, text=str(cause))
        self.abort()
        return 0

    cdef bint write_file(self, int descriptor, Py_ssize_t* offset, Py_ssize_t* size, Py_ssize_t start) except -1:
        """Let the kernel copy from a file; True at its end, False when it must wait."""
        cdef off_t at = offset[0]
        cdef ssize_t sent
        while size[0] > 0:
            if self.is_spent():
                return False
            sent = c_sendfile(self.fd, descriptor, &at, min(size[0], 16 * CHUNK))
            if sent < 0 and errno == EINTR:
                continue
            if sent < 0 and errno == EAGAIN:
                return False
            if sent < 0 and errno in (EBADF, EINVAL, EIO, EOVERFLOW):  # the file, not the connection
                raise UsageError(f"send_file after {offset[0] - start} bytes: {words_of(errno)}")
            if sent < 0:
                self.fail_with(errno)
                raise self.why("send")
            if sent == 0:
                break
            self.budget -= 1
            self.record.count_out(sent, self.poller.refresh())
            offset[0], size[0] = at, size[0] - sent
        return True

    cdef int send_fin(self) except -1:
        self.fin_sent = True
        if self.channel is not None:
            try:
                self.channel.finish()
            except OSError as error:
                self.fail_with(error.errno or EIO)
                raise self.why("send")
        elif c_shutdown(self.fd, SHUT_WR) < 0:
            self.fail_with(errno)
            raise self.why("send")
        self.record.note(Kind.FIN_SENT, self.poller.refresh())
        return 0

    # the end

    cdef int discard(self) except -1:
        """Receive what nobody will read: closing a socket over unread bytes sends RST, which can overtake our last ones."""
        cdef int chunks
        cdef Py_ssize_t count
        for chunks in range(BUDGET):
            if self.eof:
                break
            count = self.receive(self.poller.scratch, CHUNK)
            if count <= 0 or (count < CHUNK and self.short_read_empties):
                break
        return 0

    def abort(self):
        """Send RST now, forget what was queued.  Idempotent."""
        cdef linger now
        if self.closed:
            return
        if self.channel is None and self.poller.is_ours():
            if not self.failure:  # a broken connection has nothing left to reset
                now.l_onoff, now.l_linger = 1, 0
                c_setsockopt(self.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now))
        self.shut(ABORTED)

    cdef int fail_with(self, int number) except -1:
        """The connection is dead; what the kernel holds can still be read."""
        if not self.failure:
            self.failure = number
            if number == ETIMEDOUT:
                end_broken(self.record, OSError(number, words_of(number)), self.poller.refresh())
            else:
                self.record.end(RESET, self.poller.refresh(), errno=number, text=words_of(number))
        self.queued = None
        self.let_go()
        return 0

    cdef int let_go(self) except -1:
        """Nothing can be sent any more: posts are dropped, sends wake and find out why."""
        behind, self.behind, self.posted = self.behind, None, 0
        if behind is not None:
            for waiting in behind:
                if isinstance(waiting, Operation):
                    (<Operation>waiting).waiter.wake_soon()
        return 0

    cdef object words(self):
        """``failure`` in words."""
        if self.failure != ETIMEDOUT:
            return words_of(self.failure)
        return failure_of(OSError(self.failure, words_of(self.failure)), self.record, self.poller.now).text

    cdef object why(self, doing):
        """Why nothing can be done any more, as a new error."""
        if isinstance(self.cause, DeadlineError):
            return DeadlineError(self.cause.stage, self.cause.waited)
        if self.cause is not None:
            return LimitError(self.cause.name, self.cause.seen, self.cause.allowed)
        if not self.failure:
            return ClosedError(f"{doing}: the connection to {self.record.peer} is closed")
        cause = OSError(self.failure, words_of(self.failure))
        if isinstance(cause, ConnectionError):
            error = ResetError(f"{doing}: {self.record.peer} reset the connection")
        else:
            error = TransportError(f"{doing}: {self.words()}")
        error.__cause__ = cause
        return error

    cdef int shut(self, object outcome) except -1:
        """Close the descriptor; whoever waits wakes and finds out why."""
        cdef double now = self.poller.refresh()
        if self.closed:
            return 0
        self.closed = self.closing = True
        self.readable = False
        self.queued = None
        self.record.sample(now)
        self.record.probe = None
        self.poller.remove(self)
        if self.channel is not None:
            self.channel.close(reset=outcome is ABORTED and not self.failure)
        elif has_children() and outcome is not ABORTED and self.poller.is_ours():
            c_shutdown(self.fd, SHUT_WR)  # a child that holds the descriptor would withhold the FIN of a mere close
        if self.channel is None:
            c_close(self.fd)
        self.fd = -1
        self.record.end(outcome, now)
        self.recorder.close(self.record, now)
        if self.reading is not None:
            self.reading.waiter.wake_soon()
        if self.writing is not None:
            self.writing.waiter.wake_soon()
        self.let_go()
        return 0

    # over a channel, whose receive is called until it gives None

    cdef int watch(self) except -1:
        """Tell the channel what this pipe waits for; it calls back from the loop."""
        cdef bint reads = not (self.readable or self.eof or self.failure or self.closing)
        cdef bint writes = self.queued is not None
        if not self.closed and (reads != self.reads_watched or writes != self.writes_watched):
            self.reads_watched, self.writes_watched = reads, writes
            self.channel.watch(self._readable if reads else None, self._writable if writes else None)
        return 0

    cdef Py_ssize_t take(self, char* into, Py_ssize_t size) except -2:
        """``receive`` of a channel."""
        cdef bytes data
        self.poller.refresh()
        try:
            data = self.channel.receive(size)
        except OSError as error:
            self.readable = False
            self.fail_with(error.errno or EIO)
            self.watch()
            return -1
        if data:
            self.budget -= 1
            memcpy(into, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
            self.record.count_in(PyBytes_GET_SIZE(data), self.poller.refresh())
            return PyBytes_GET_SIZE(data)
        self.readable = False
        if data is not None:
            self.eof = True
            if not self.failure:
                self.see_fin()
        self.watch()
        return 0

    cdef Py_ssize_t give(self, const char* data, Py_ssize_t size) except -2:
        """``send_some`` of a channel; when it broke, what it holds can still be received."""
        cdef Py_ssize_t sent
        self.poller.refresh()
        try:
            sent = self.channel.send(PyBytes_FromStringAndSize(data, min(size, 4 * CHUNK)))
            if sent:
                self.record.count_out(sent, self.poller.refresh())
            return sent
        except OSError as error:
            self.readable = not self.eof
            self.fail_with(error.errno or EIO)
        if self.reading is not None:
            self.reading.waiter.wake_soon()
        return -1

    def _readable(self):
        self.poller.refresh()
        self.readable = True
        self.on_event(0)
        self.watch()

    def _writable(self):
        self.poller.refresh()
        self.on_event(0)
        self.watch()

    # called by the poller

    cdef int on_event(self, uint32_t events) except -1:
        if not self.yielded:
            self.budget = BUDGET
        if events & <uint32_t>(EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI):
            self.readable = True
            if events & <uint32_t>(EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI):
                self.short_read_empties = False
                if events & EPOLLERR:
                    self.see_error()
                elif events & EPOLLRDHUP:
                    self.see_fin()
        if self.queued is not None:
            self.flush()
        if self.writing is not None and self.queued is None and not self.yielded:
            self.writing.wake()
        if self.reading is not None and (self.readable or self.failure) and not self.yielded:
            self.reading.wake()
        return 0

    cdef double on_time(self, double now) except? -1.0:
        if self.lifetime <= now and not self.closed:
            self.end_by(DeadlineError("lifetime", now - self.record.opened_at), Outcome.DEADLINE, "lifetime")
        if self.stalled_at <= now and not self.closed:
            self.look_at_posts(now)
        if self.behind:
            for waiting in list(self.behind):
                if isinstance(waiting, Operation) and (<Operation>waiting).expiry <= now:
                    (<Operation>waiting).wake()
        return Watched.on_time(self, now)

    cdef double soonest(self) noexcept:
        cdef double soonest = min(self.lifetime, self.stalled_at, Watched.soonest(self))
        if self.behind is not None:
            for waiting in self.behind:
                if isinstance(waiting, Operation):
                    soonest = min(soonest, (<Operation>waiting).expiry)
        return soonest

    cdef int queue(self, Operation operation) except -1:
        """A send that cannot go on waits behind those that began before."""
        if self.writing is None and not self.behind:
            self.writing = operation
        elif self.behind is None:
            self.behind = deque((operation,))
        else:
            self.behind.append(operation)
        return 0

    cdef int next_turn(self, Operation over) except -1:
        if self.writing is over:
            self.writing = None
            self.advance()
            return self.flush()
        if self.behind is not None and over in self.behind:
            self.behind.remove(over)
        return 0


cdef object words_of(int number):
    """``os.strerror``, which decodes them anew each time."""
    if number not in WORDS:
        WORDS[number] = os.strerror(number)
    return WORDS[number]


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
cdef class Received:
    """The receive buffer of a pipe, with the interface of ``core.buffer.ReceiveBuffer``: for framings."""

    def __len__(self):
        return self.pipe.end - self.pipe.begin

    def take(self, Py_ssize_t count):
        return self.pipe.consume(min(count, self.pipe.end - self.pipe.begin))

    def take_all(self):
        return self.pipe.consume(self.pipe.end - self.pipe.begin)

    def skip(self, Py_ssize_t count):
        self.pipe.drop(min(count, self.pipe.end - self.pipe.begin))

    def peek(self, Py_ssize_t count, Py_ssize_t offset=0):
        cdef Py_ssize_t size = min(count, self.pipe.end - self.pipe.begin - offset)
        return b"" if size <= 0 else PyBytes_FromStringAndSize(self.pipe.buffer + self.pipe.begin + offset, size)

    def find(self, bytes target not None):
        cdef Pipe pipe = self.pipe
        cdef Py_ssize_t size = pipe.end - pipe.begin, width = PyBytes_GET_SIZE(target)
        cdef const char* data = pipe.buffer + pipe.begin
        cdef const char* found
        if pipe.find_target is not target and pipe.find_target != target:
            pipe.find_target, pipe.find_from = target, 0
        found = <const char*>memmem(data + pipe.find_from, size - pipe.find_from, PyBytes_AS_STRING(target), width)
        pipe.find_from = max(0, size - width + 1) if found == NULL else found - data
        return -1 if found == NULL else pipe.find_from

    @property
    def resume(self):
        return self.pipe.resume

    @resume.setter
    def resume(self, value):
        self.pipe.resume = value

    def rfind(self, bytes target not None):
        return self.peek(self.pipe.end - self.pipe.begin).rfind(target)
