"""The native connection's fields."""

from libc.stdint cimport uint32_t

from netwright.aio._native cimport Operation, Watched
from netwright.core._record cimport ConnectionRecord

cdef enum:
    CHUNK = 65536  # bytes of one recv
    SMALL = 512  # bytes: a shorter post that waits is copied to the one before it, as in pipe.py
    PROGRESS = 65536  # bytes that a slow peer has to read within ``limits.send`` seconds, as in pipe.py


cdef class Pipe(Watched):
    cdef readonly ConnectionRecord record
    cdef object recorder
    cdef char* buffer
    cdef Py_ssize_t capacity, begin, end
    cdef bytes queued
    cdef object behind  # a deque of what waits for its turn: Operations of sends, posts, and bytearrays of small posts
    cdef Py_ssize_t queued_from, posted
    cdef bytes find_target
    cdef Py_ssize_t find_from
    cdef object resume, cause, channel
    cdef bint reads_watched, writes_watched  # of a channel
    cdef bint readable, short_read_empties, reads_large, eof, fin_seen, fin_sent, closing, closed, queued_posted
    cdef int failure
    cdef double lifetime
    cdef double stalled_at, stall_began  # of posts: when the progress rule looks, and since when it counts
    cdef long long stall_from  # bytes_out then

    cdef int watch(self) except -1
    cdef Py_ssize_t take(self, char* into, Py_ssize_t size) except -2
    cdef Py_ssize_t give(self, const char* data, Py_ssize_t size) except -2
    cdef Py_ssize_t receive(self, char* into, Py_ssize_t size) except -2
    cdef int see_fin(self) except -1
    cdef int see_error(self) except -1
    cdef object receive_bytes(self, Py_ssize_t size)
    cdef int reserve(self, Py_ssize_t size) except -1
    cdef int keep(self, const char* data, Py_ssize_t size) except -1
    cdef int drop(self, Py_ssize_t size) except -1
    cdef object consume(self, Py_ssize_t size)
    cdef int prepend(self, bytes data) except -1
    cdef int push(self, tuple parts) except -1
    cdef int advance(self) except -1
    cdef bint post_bytes(self, bytes data, Py_ssize_t most, double patience) except -1
    cdef int look_at_posts(self, double now) except -1
    cdef int end_by(self, object cause, object outcome, object stage) except -1
    cdef int write(self, void* vector_, int parts, Py_ssize_t total, object whole) except -1
    cdef Py_ssize_t send_some(self, const char* data, Py_ssize_t size) except -2
    cdef int flush(self) except -1
    cdef bint write_file(self, int descriptor, Py_ssize_t* offset, Py_ssize_t* size, Py_ssize_t start) except -1
    cdef int send_fin(self) except -1
    cdef int let_go(self) except -1
    cdef int fail_with(self, int number) except -1
    cdef object words(self)
    cdef object why(self, doing)
    cdef int discard(self) except -1
    cdef int shut(self, object outcome) except -1


cdef class Received:
    cdef Pipe pipe
