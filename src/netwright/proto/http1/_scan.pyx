# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Field lines in one pass over their bytes; the specification is scan.py."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeLatin1
from libc.string cimport memcmp

cdef enum:
    TOKEN = 1  # RFC 9110 §5.6.2
    TEXT = 2  # RFC 9110 §5.5: VCHAR, obs-text, SP, HTAB
    LONGEST = 17  # transfer-encoding

cdef unsigned char kind[256]
cdef unsigned char lower[256]
cdef int code

for code in range(256):
    kind[code] = TEXT if code == 9 or 0x20 <= code != 0x7F else 0
    lower[code] = code + 32 if 65 <= code <= 90 else code
for code in b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ":
    kind[code] |= TOKEN


cdef inline int place(const unsigned char* name, Py_ssize_t size) noexcept nogil:
    """Place of a name in FIELDS, -1 for any other."""
    cdef char small[LONGEST]
    cdef Py_ssize_t i
    if size > LONGEST or (size != 4 and size != 6 and size != 7 and size != 10 and size != 14 and size != 17):
        return -1
    for i in range(size):
        small[i] = lower[name[i]]
    if size == 4:
        return 0 if memcmp(small, b"host", 4) == 0 else -1
    if size == 14:
        return 1 if memcmp(small, b"content-length", 14) == 0 else -1
    if size == 17:
        return 2 if memcmp(small, b"transfer-encoding", 17) == 0 else -1
    if size == 10:
        return 3 if memcmp(small, b"connection", 10) == 0 else -1
    if size == 6:
        return 4 if memcmp(small, b"expect", 6) == 0 else -1
    return 5 if memcmp(small, b"upgrade", 7) == 0 else -1


cdef str value_of(const unsigned char* start, const unsigned char* end):
    """In lower case as bytes.lower has it: ASCII only; without the white space around."""
    cdef char small[256]
    cdef Py_ssize_t i
    while start < end and (start[0] == 32 or start[0] == 9):
        start += 1
    while end > start and (end[-1] == 32 or end[-1] == 9):
        end -= 1
    if end - start > 256:
        return (<const char*>start)[:end - start].lower().decode("latin-1")
    for i in range(end - start):
        small[i] = lower[start[i]]
    return PyUnicode_DecodeLatin1(small, end - start, NULL)


def scan(bytes block not None):
    """Number of lines and what was found; None if a line is not well-formed (RFC 9112 §5)."""
    cdef const unsigned char* at = <const unsigned char*>PyBytes_AS_STRING(block)
    cdef const unsigned char* end = at + PyBytes_GET_SIZE(block)
    cdef const unsigned char* name
    cdef const unsigned char* colon
    cdef Py_ssize_t lines = 0
    cdef int where
    found = ([], [], [], [], [], [])
    while at < end:
        name = at
        while at < end and kind[at[0]] & TOKEN:
            at += 1
        if at == name or at == end or at[0] != 58:
            return None
        colon = at
        at += 1
        while at < end and kind[at[0]] & TEXT:
            at += 1
        if end - at < 2 or at[0] != 13 or at[1] != 10:
            return None
        where = place(name, colon - name)
        if where >= 0:
            (<list>found[where]).append(value_of(colon + 1, at))
        at += 2
        lines += 1
    return lines, found
