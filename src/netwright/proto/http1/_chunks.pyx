# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: freethreading_compatible=True
"""Plain chunks in one pass over their bytes; the specification is chunks.py."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcpy

cdef enum:
    DIGITS = 8  # of a size


cdef inline int digit_of(unsigned char byte) noexcept nogil:
    """Value of a hexadecimal digit, -1 for any other byte."""
    if 48 <= byte <= 57:
        return byte - 48
    byte |= 32
    return byte - 87 if 97 <= byte <= 102 else -1


def take_chunks(bytes data not None, Py_ssize_t at, Py_ssize_t room):
    """Content of the plain chunks that lie whole in ``data`` from ``at`` on, and the place behind them."""
    cdef const char* raw = PyBytes_AS_STRING(data)
    cdef Py_ssize_t stop = PyBytes_GET_SIZE(data), place, size, taken = 0
    cdef int digit
    cdef bytes content = None
    cdef char* out = NULL
    while True:
        place, size = at, 0
        if place >= stop or raw[place] == 48:
            break
        while place < stop and place - at < DIGITS:
            digit = digit_of(<unsigned char>raw[place])
            if digit < 0:
                break
            size = size * 16 + digit
            place += 1
        if place == at or stop - place < size + 4 or raw[place] != 13 or raw[place + 1] != 10 or size > room:
            break
        place += 2
        if raw[place + size] != 13 or raw[place + size + 1] != 10:
            break
        if content is None:
            content = PyBytes_FromStringAndSize(NULL, stop - at)
            out = PyBytes_AS_STRING(content)
        memcpy(out + taken, raw + place, size)
        taken += size
        room -= size
        at = place + size + 2
    return (b"" if content is None else content[:taken]), at
