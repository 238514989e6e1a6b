"""The native stream's fields."""

from libc.stdint cimport uint32_t

from netwright.aio._native cimport Operation, Watched
from netwright.core._record cimport ConnectionRecord


cdef class Stream(Watched):
    cdef readonly ConnectionRecord record
    cdef object recorder, made, _limits
    cdef double patience, first_byte, idle, frame, send_most, lifetime
    cdef char* buffer
    cdef Py_ssize_t capacity, begin, end
    cdef bytes queued
    cdef Py_ssize_t queued_from
    cdef bint readable, glued, bulky, eof, fin_sent, closed, draining
    cdef int failure
    cdef object __weakref__

    cdef Operation operation(self, int verb, object timeout, object deadline, object stage, object waiting)
    cdef object why(self, doing)
    cdef object nothing(self, Operation operation)
    cdef object take_kept(self, Operation operation)
    cdef object attempt_read(self, Operation operation)
    cdef object attempt_write(self, Operation operation)
    cdef object read_direct(self, Operation operation)
    cdef object at_end(self, Operation operation)
    cdef object consume(self, Py_ssize_t size)
    cdef Py_ssize_t receive(self, char* into, Py_ssize_t size) except -2
    cdef int reserve(self, Py_ssize_t size) except -1
    cdef int keep(self, const char* data, Py_ssize_t size) except -1
    cdef int drop(self, Py_ssize_t size) except -1
    cdef int check_writable(self) except -1
    cdef int push(self, tuple parts) except -1
    cdef int write(self, void* parts_of, int parts, Py_ssize_t total, object whole) except -1
    cdef int flush(self) except -1
    cdef int finish(self) except -1
    cdef int fail(self, int number) except -1
    cdef int shut(self, object outcome) except -1
