# Reassembly of IP fragments (RFC 791 §3.2, RFC 8200 §4.5), bounded; the specification is reassembly.py.
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport malloc
from libc.string cimport memcmp, memcpy, memset

from netwright.watch._segment cimport Segment

cdef enum:
    SLOTS = 64  # incomplete datagrams; a new one replaces the oldest
    HEADER = 40
    ROOM = 65536
    LARGEST = 65535  # bytes of a payload that a length field can say
    BLOCKS = 1024  # ROOM / 8 bits

cdef struct Datagram:
    uint8_t* data  # HEADER bytes of IP header, then the payload
    uint8_t address[32]
    uint32_t ident
    uint32_t version
    uint32_t protocol
    uint32_t total  # bytes of the payload, 0 while the last fragment is missing
    uint32_t have  # blocks of 8 bytes
    bint used
    uint8_t blocks[BLOCKS]

cdef struct Reassembly:
    uint32_t next
    Datagram slot[SLOTS]

cdef inline bint complete(const Datagram* d, uint32_t count) noexcept nogil:
    # True if the first count blocks are there; more may be, beyond the end.
    cdef uint32_t block
    if d.have < count:
        return False
    for block in range(count):
        if not d.blocks[block >> 3] >> (block & 7) & 1:
            return False
    return True

cdef inline const uint8_t* reassemble(
    Reassembly* r, const uint8_t* p, uint32_t cap, Segment* s, uint32_t* size
) noexcept nogil:
    # Returns the datagram (IP header and payload) that this fragment completes, NULL if it completes none.
    cdef uint32_t version = p[s.network] >> 4, i, block, first, count
    cdef uint32_t header = 20 if version == 4 else 40
    cdef uint8_t address[32]
    cdef Datagram* d = NULL
    if s.payload + s.payload_length > cap or s.fragment_offset + s.payload_length > LARGEST or not s.payload_length:
        return NULL
    if s.more and s.payload_length & 7:
        return NULL
    memset(address, 0, 32)
    if version == 4:
        memcpy(address, p + s.network + 12, 8)
    else:
        memcpy(address, p + s.network + 8, 32)
    for i in range(SLOTS):
        if (
            r.slot[i].used and r.slot[i].ident == s.fragment_ident and r.slot[i].version == version
            and r.slot[i].protocol == s.protocol and memcmp(r.slot[i].address, address, 32) == 0
        ):
            d = &r.slot[i]
            break
    if d == NULL:
        d = &r.slot[r.next]
        r.next = (r.next + 1) % SLOTS
        if d.data == NULL:
            d.data = <uint8_t*>malloc(HEADER + ROOM)
            if d.data == NULL:
                return NULL
        memcpy(d.address, address, 32)
        memset(d.blocks, 0, sizeof(d.blocks))
        d.ident = s.fragment_ident
        d.version = version
        d.protocol = s.protocol
        d.total = d.have = 0
        d.used = True
    first = s.fragment_offset >> 3
    count = (s.payload_length + 7) >> 3
    for i in range(count):
        block = first + i
        if not d.blocks[block >> 3] >> (block & 7) & 1:  # the data that came first is kept
            d.blocks[block >> 3] |= 1 << (block & 7)
            d.have += 1
            memset(d.data + HEADER + block * 8, 0, 8)
            memcpy(
                d.data + HEADER + block * 8, p + s.payload + i * 8,
                8 if (i + 1) * 8 <= s.payload_length else s.payload_length - i * 8,
            )
    if not s.more:
        d.total = s.fragment_offset + s.payload_length
    if not d.total or not complete(d, (d.total + 7) >> 3):
        return NULL
    d.used = False
    memset(d.data, 0, HEADER)
    if version == 4:
        memcpy(d.data + HEADER - 20, p + s.network, 20)
        d.data[HEADER - 20] = 0x45
        memset(d.data + HEADER - 18, 0, 2)  # length 0: to the end of the frame
        memset(d.data + HEADER - 14, 0, 2)
        d.data[HEADER - 11] = s.protocol
    else:
        memcpy(d.data, p + s.network, 40)
        memset(d.data + 4, 0, 2)
        d.data[6] = s.protocol
    size[0] = header + d.total
    return d.data + HEADER - header
