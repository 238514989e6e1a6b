# Decode a captured frame to its TCP segment; the specification, with its citations, is segment.py.
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp

from netwright.watch._bytes cimport be16, be32, mix, raw64

cdef enum:
    FIN = 0x01
    SYN = 0x02
    RST = 0x04
    ACK = 0x10
    LAYERS = 8
    IP = 0x10000

cdef enum Found:
    NOTHING = 0
    TCP = 1
    FRAGMENT = 2

cdef struct Segment:
    uint64_t key[5]  # both addresses and ports, the smaller endpoint first
    uint64_t hash
    uint32_t direction  # 0: sent by the smaller endpoint
    uint32_t seq
    uint32_t ack
    uint32_t length  # of the data, as the IP header has it
    uint32_t flags
    uint32_t window
    uint32_t ident  # IPv4 identification; 0 in IPv6
    uint32_t ttl
    uint32_t stamp  # timestamp value, RFC 7323 §3.2, if mode "exact" found one
    bint stamped
    uint32_t repeated  # of a partial retransmission: bytes that were sent before
    const uint8_t* options
    uint32_t options_length
    # a fragment: where its IP header is, where its data is, how long that is
    uint32_t network
    uint32_t payload
    uint32_t payload_length
    uint32_t fragment_offset
    uint32_t fragment_ident
    uint32_t protocol
    bint more

cdef inline uint32_t ppp_type(const uint8_t* p, uint32_t* offset, uint32_t cap) noexcept nogil:
    if offset[0] + 2 > cap:
        return 0
    if p[offset[0]] & 1:  # protocol field compression, RFC 1661 §6.5
        offset[0] += 1
        return 0x0800 if p[offset[0] - 1] == 0x21 else (0x86dd if p[offset[0] - 1] == 0x57 else 0)
    offset[0] += 2
    if be16(p + offset[0] - 2) == 0x0021:
        return 0x0800
    return 0x86dd if be16(p + offset[0] - 2) == 0x0057 else 0

cdef inline uint32_t link_type(const uint8_t* p, uint32_t cap, uint32_t link, uint32_t* offset) noexcept nogil:
    # EtherType of what follows the link layer's header; IP is "an IP header, see its version", 0 is "not ours".
    if link == 1:
        offset[0] = 14
        return be16(p + 12) if cap >= 14 else 0
    if link == 101 or link == 12 or link == 14 or link == 228 or link == 229:
        offset[0] = 0
        return IP
    if link == 0 or link == 108:
        offset[0] = 4
        return IP
    if link == 113:
        offset[0] = 16
        return be16(p + 14) if cap >= 16 else 0
    if link == 276:
        offset[0] = 20
        return be16(p) if cap >= 20 else 0
    if link == 9 or link == 50:
        offset[0] = 2 if cap >= 2 and p[0] == 0xff and p[1] == 0x03 else 0
        return ppp_type(p, offset, cap)
    if link == 104:
        offset[0] = 4
        return be16(p + 2) if cap >= 4 else 0
    return 0

cdef inline bint readable(uint32_t link) noexcept nogil:
    # True if link_type() reads frames of this link type.
    return (
        link == 1 or link == 101 or link == 12 or link == 14 or link == 228 or link == 229 or link == 0 or link == 108
        or link == 113 or link == 276 or link == 9 or link == 50 or link == 104
    )

cdef inline uint32_t shim_type(
    const uint8_t* p, uint32_t cap, uint32_t kind, uint32_t* offset
) noexcept nogil:
    # Walks VLAN tags, MPLS labels, PPPoE, SNAP and bridged Ethernet; gives IP at an IP header, 0 elsewhere.
    cdef uint32_t o = offset[0], layer
    for layer in range(LAYERS):
        if kind == 0x0800 or kind == 0x86dd or kind == IP:
            offset[0] = o
            return IP
        if kind == 0x8100 or kind == 0x88a8 or kind == 0x9100 or kind == 0x9200:
            if o + 4 > cap:
                return 0
            kind = be16(p + o + 2)
            o += 4
        elif kind == 0x8847 or kind == 0x8848:
            while True:
                if o + 4 > cap:
                    return 0
                o += 4
                if p[o - 2] & 1:
                    break
            kind = IP
        elif kind == 0x8864:
            o += 6
            kind = ppp_type(p, &o, cap)
        elif kind == 0x6558:
            if o + 14 > cap:
                return 0
            kind = be16(p + o + 12)
            o += 14
        elif 0 < kind <= 1500:
            if o + 8 > cap or p[o] != 0xaa or p[o + 1] != 0xaa or p[o + 2] != 0x03 or p[o + 3] | p[o + 4] | p[o + 5]:
                return 0
            kind = be16(p + o + 6)
            o += 8
            if kind <= 1500:
                return 0
        else:
            return 0
    return 0

cdef inline uint32_t tunnel_type(
    const uint8_t* p, uint32_t cap, uint32_t protocol, uint32_t* offset
) noexcept nogil:
    # EtherType of what a GRE, IP-in-IP, VXLAN or GENEVE header at offset carries.
    cdef uint32_t o = offset[0], flags
    if protocol == 4 or protocol == 41:
        return IP
    if protocol == 47:
        if o + 4 > cap:
            return 0
        flags = be16(p + o)
        if flags & 0x4007:  # routing present, or not version 0
            return 0
        offset[0] = o + 4 + (4 if flags & 0x8000 else 0) + (4 if flags & 0x2000 else 0) + (4 if flags & 0x1000 else 0)
        return be16(p + o + 2)
    if protocol == 17:
        if o + 16 > cap:
            return 0
        if be16(p + o + 2) == 4789:
            if not p[o + 8] & 0x08:
                return 0
            offset[0] = o + 16
            return 0x6558
        if be16(p + o + 2) == 6081:
            if p[o + 8] >> 6:
                return 0
            offset[0] = o + 16 + (p[o + 8] & 0x3f) * 4
            return be16(p + o + 10)
    return 0

cdef inline void endpoints4(Segment* s, const uint8_t* addresses, uint32_t source, uint32_t target) noexcept nogil:
    cdef uint64_t a = be32(addresses), b = be32(addresses + 4)
    s.direction = a > b or (a == b and source > target)
    s.key[0] = (b << 32) | a if s.direction else (a << 32) | b
    s.key[1] = s.key[2] = s.key[3] = 0
    s.key[4] = ((<uint64_t>target << 16) | source if s.direction else (<uint64_t>source << 16) | target) | (<uint64_t>4 << 40)
    s.hash = mix(s.key[0] ^ mix(s.key[4] * 0x9E3779B97F4A7C15ULL))

cdef inline void endpoints6(Segment* s, const uint8_t* addresses, uint32_t source, uint32_t target) noexcept nogil:
    cdef int order = memcmp(addresses, addresses + 16, 16)
    s.direction = order > 0 or (order == 0 and source > target)
    cdef const uint8_t* first = addresses + (16 if s.direction else 0)
    cdef const uint8_t* second = addresses + (0 if s.direction else 16)
    s.key[0] = raw64(first)
    s.key[1] = raw64(first + 8)
    s.key[2] = raw64(second)
    s.key[3] = raw64(second + 8)
    s.key[4] = ((<uint64_t>target << 16) | source if s.direction else (<uint64_t>source << 16) | target) | (<uint64_t>6 << 40)
    s.hash = mix(s.key[0] ^ mix(s.key[1] ^ mix(s.key[2] ^ mix(s.key[3] ^ s.key[4] * 0x9E3779B97F4A7C15ULL))))

cdef inline Found decode(
    const uint8_t* p, uint32_t cap, uint32_t wire, uint32_t link, Segment* s
) noexcept nogil:
    cdef uint32_t o = 0, layer, kind, header, total, protocol, network
    kind = link_type(p, cap, link, &o)
    for layer in range(LAYERS):
        if kind != 0x0800 and kind != 0x86dd and kind != IP:
            kind = shim_type(p, cap, kind, &o)
            if not kind:
                return NOTHING
        if o + 20 > cap:
            return NOTHING
        network = o
        if p[o] >> 4 == 4:
            header = (p[o] & 15) * 4
            if header < 20:
                return NOTHING
            total = be16(p + o + 2)
            if total == 0 or total > wire - o:  # 0 (segmentation offload), or beyond the frame: up to its end
                total = wire - o
            if total < header or o + header > cap:
                return NOTHING
            protocol = p[o + 9]
            s.ident = be16(p + o + 4)
            s.ttl = p[o + 8]
            o += header
            total -= header
            if be16(p + network + 6) & 0x3fff:
                s.network = network
                s.payload = o
                s.payload_length = total
                s.fragment_offset = (be16(p + network + 6) & 0x1fff) * 8
                s.more = (be16(p + network + 6) & 0x2000) != 0
                s.fragment_ident = s.ident
                s.protocol = protocol
                return FRAGMENT
        elif p[o] >> 4 == 6:
            if o + 40 > cap:
                return NOTHING
            total = be16(p + o + 4)
            if total == 0 or total > wire - o - 40:
                total = wire - o - 40
            protocol = p[o + 6]
            s.ident = 0
            s.ttl = p[o + 7]
            o += 40
            while protocol == 0 or protocol == 43 or protocol == 60 or protocol == 51 or protocol == 44:
                if o + 8 > cap:
                    return NOTHING
                if protocol == 44:
                    header = 8
                    if be16(p + o + 2) & 0xfff9:
                        s.network = network
                        s.payload = o + 8
                        if total < 8:
                            return NOTHING
                        s.payload_length = total - 8
                        s.fragment_offset = be16(p + o + 2) & 0xfff8
                        s.more = p[o + 3] & 1
                        s.fragment_ident = be32(p + o + 4)
                        s.protocol = p[o]
                        return FRAGMENT
                else:
                    header = (p[o + 1] + 2) * 4 if protocol == 51 else (p[o + 1] + 1) * 8
                if total < header:
                    return NOTHING
                protocol = p[o]
                o += header
                total -= header
        else:
            return NOTHING
        if protocol == 6:
            return TCP if read_tcp(p, cap, network, o, total, s) else NOTHING
        kind = tunnel_type(p, cap, protocol, &o)
        if not kind:
            return NOTHING
    return NOTHING

cdef inline bint read_tcp(
    const uint8_t* p, uint32_t cap, uint32_t network, uint32_t o, uint32_t total, Segment* s
) noexcept nogil:
    cdef uint32_t header
    if o + 20 > cap:
        return False
    header = (p[o + 12] >> 4) * 4
    if header < 20 or total < header:
        return False
    if p[network] >> 4 == 4:
        endpoints4(s, p + network + 12, be16(p + o), be16(p + o + 2))
    else:
        endpoints6(s, p + network + 8, be16(p + o), be16(p + o + 2))
    s.seq = be32(p + o + 4)
    s.ack = be32(p + o + 8)
    s.flags = be16(p + o + 12) & 0x0fff
    s.window = be16(p + o + 14)
    s.length = total - header
    s.options = p + o + 20
    s.options_length = (header if o + header <= cap else cap - o) - 20
    return True
