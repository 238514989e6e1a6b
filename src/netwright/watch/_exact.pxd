from libc.stdint cimport int64_t, uint32_t
from netwright.watch._decode cimport Segment
from netwright.watch._flow cimport Flow
cdef enum:
    EXACT_REUSED = 1 << 18
cdef inline bint exact_reuses(Flow* flow, Segment* s) noexcept nogil:
    return False
cdef inline uint32_t exact_flags(Flow* flow, Segment* s, int64_t at, uint32_t flags, int64_t* rtt) noexcept nogil:
    return flags
