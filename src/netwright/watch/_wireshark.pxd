# The verdicts of Wireshark 4.0; the specification is wireshark.py, one rule a paragraph, in the same order.
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport realloc

from netwright.watch._segment cimport ACK, FIN, RST, SYN, Segment
from netwright.watch._flow cimport UNACKED, Flow, Unacked, WiresharkHalf

cdef enum:
    RETRANSMISSION = 1 << 0
    FAST_RETRANSMISSION = 1 << 1
    SPURIOUS_RETRANSMISSION = 1 << 2
    OUT_OF_ORDER = 1 << 3
    LOST_SEGMENT = 1 << 4
    ACK_LOST_SEGMENT = 1 << 5
    DUPLICATE_ACK = 1 << 6
    ZERO_WINDOW = 1 << 7
    WINDOW_FULL = 1 << 8
    WINDOW_UPDATE = 1 << 9
    KEEP_ALIVE = 1 << 10
    KEEP_ALIVE_ACK = 1 << 11
    ZERO_WINDOW_PROBE = 1 << 12
    ZERO_WINDOW_PROBE_ACK = 1 << 13
    REUSED_PORTS = 1 << 14

cdef inline bint before(uint32_t a, uint32_t b) noexcept nogil:
    return <int32_t>(a - b) < 0

cdef inline uint32_t wireshark_flags(Flow* flow, Segment* s, int64_t at, uint32_t flags, int64_t* rtt) noexcept nogil:
    cdef WiresharkHalf* own = &flow.way[s.direction].half.wireshark
    cdef WiresharkHalf* peer = &flow.way[1 - s.direction].half.wireshark
    cdef bint marked = (s.flags & (SYN | FIN | RST)) != 0
    cdef bint repeated = s.seq == own.next and s.ack == own.last_ack and s.length == 0 and not marked
    cdef uint32_t end = s.seq + s.length
    cdef bint occupies = s.length > 0 or s.flags & (SYN | FIN)
    cdef bint old
    cdef int64_t elapsed
    note_bases(own, peer, s)
    if s.length == 1 and s.seq == own.next and peer.window == 0:
        flags |= ZERO_WINDOW_PROBE
    else:
        if s.window == 0 and not marked:
            flags |= ZERO_WINDOW
        if own.next and before(own.next, s.seq) and not s.flags & RST:
            flags |= LOST_SEGMENT
        if s.length <= 1 and s.seq == own.next - 1 and not marked:
            flags |= KEEP_ALIVE
        if repeated and s.window and s.window != own.window:
            flags |= WINDOW_UPDATE
        if s.length and peer.shift != -1 and not marked and end == peer.last_ack + (
            peer.window << (0 if peer.unscaled or peer.shift == -2 else peer.shift)
        ):
            flags |= WINDOW_FULL
        if repeated and s.window == own.window:
            if s.window and peer.last_flags & KEEP_ALIVE:
                flags |= KEEP_ALIVE_ACK
            elif s.window == 0 and peer.last_flags & ZERO_WINDOW_PROBE:
                flags |= ZERO_WINDOW_PROBE_ACK
            elif s.window:
                own.duplicates = 1 if own.duplicates == -1 else own.duplicates + 1
                flags |= DUPLICATE_ACK
    if s.ack != own.last_ack:
        own.duplicates = 0
    if peer.expected and before(peer.expected, s.ack) and s.flags & ACK:
        if before(peer.expected, peer.next):
            peer.expected = peer.next
            flags |= ACK_LOST_SEGMENT
        else:
            if peer.duplicates == 0:
                flags |= ACK_LOST_SEGMENT
            peer.duplicates = -1
    if occupies and not flags & KEEP_ALIVE:
        old = own.next != 0 and before(s.seq, own.next) and not (s.length > 1 and own.next - 1 == s.seq)
        if s.length and peer.last_ack and not before(peer.last_ack, end):
            flags |= SPURIOUS_RETRANSMISSION
        elif old and <uint32_t>peer.duplicates >= 2 and peer.last_ack == s.seq and 0 <= at - peer.ack_at < 20000000:
            flags |= FAST_RETRANSMISSION
        elif old:
            elapsed = at - own.next_at
            if 0 <= elapsed < (flow.initial_rtt if flow.initial_rtt > 0 else 3000000) and own.next != end + (
                1 if s.flags & (SYN | FIN) else 0
            ):
                flags |= OUT_OF_ORDER
            else:
                flags |= RETRANSMISSION
    if s.flags & (SYN | FIN):
        end += 1
    if occupies:
        remember(own, s.seq, end, at)
    if (before(own.next, end) or not own.next) and not flags & ZERO_WINDOW_PROBE:
        own.next = end
        own.next_at = at
    if (s.seq == own.expected or not own.expected) and not flags & ZERO_WINDOW_PROBE:
        own.expected = own.next
    own.window = s.window
    own.last_ack = s.ack
    own.ack_at = at
    own.last_flags = flags
    if peer.unacked:
        rtt[0] = acknowledge(peer, s.ack, at)
    note_handshake(flow, own, peer, s, at)
    return flags

cdef inline bint wireshark_reuses(Flow* flow, Segment* s, uint32_t* flags) noexcept nogil:
    # True if a SYN begins another connection on the same ports.
    cdef WiresharkHalf* own = &flow.way[s.direction].half.wireshark
    if not own.based:
        return False
    if own.base == s.seq:
        if not s.flags & ACK:
            own.next = own.expected
        return False
    flags[0] |= REUSED_PORTS
    if s.flags & ACK:
        own.base = s.seq
        return False
    return True

cdef inline void note_bases(WiresharkHalf* own, WiresharkHalf* peer, Segment* s) noexcept nogil:
    if not own.based:
        own.base = s.seq if s.flags & SYN else s.seq - 1
        own.based = True
    if not peer.based and s.flags & ACK:
        peer.base = s.ack - 1
        peer.based = True

cdef inline void note_handshake(
    Flow* flow, WiresharkHalf* own, WiresharkHalf* peer, Segment* s, int64_t at
) noexcept nogil:
    cdef uint32_t o = 0
    if s.flags & SYN:
        flow.client = 1 - s.direction if s.flags & ACK else s.direction
        if not s.flags & ACK:
            flow.syn_at = at
        own.unscaled = True
        while o < s.options_length and s.options[o]:
            if s.options[o] == 1:
                o += 1
                continue
            if o + 1 >= s.options_length or s.options[o + 1] < 2:
                break
            if s.options[o] == 3 and o + 2 < s.options_length:
                own.shift = s.options[o + 2] if s.options[o + 2] <= 14 else 14
            o += s.options[o + 1]
        if own.shift == -1:
            own.shift = peer.shift = -2
        elif s.flags & ACK and peer.shift == -2:
            own.shift = -2
    elif s.flags & ACK:
        if flow.syn_at >= 0 and flow.initial_rtt < 0:
            flow.initial_rtt = at - flow.syn_at
        own.unscaled = False

cdef inline void remember(WiresharkHalf* own, uint32_t seq, uint32_t end, int64_t at) noexcept nogil:
    cdef Unacked* larger
    if own.unacked == UNACKED:
        return
    if own.unacked == own.room:
        larger = <Unacked*>realloc(own.list, (own.room * 2 if own.room else 8) * sizeof(Unacked))
        if larger == NULL:
            return
        own.list = larger
        own.room = own.room * 2 if own.room else 8
    own.list[own.unacked].seq = seq
    own.list[own.unacked].end = end
    own.list[own.unacked].at = at
    own.unacked += 1

cdef inline int64_t acknowledge(WiresharkHalf* own, uint32_t ack, int64_t at) noexcept nogil:
    # Time since the segment that ``ack`` ends exactly, -1 if none does; what is covered goes, a part of it stays.
    cdef uint32_t i, kept = 0
    cdef int64_t rtt = -1
    for i in range(own.unacked):
        if ack == own.list[i].end:
            rtt = at - own.list[i].at
            continue
        if before(own.list[i].seq, ack) and not before(own.list[i].end, ack):
            own.list[i].seq = ack
        elif not before(ack, own.list[i].end):
            continue
        if kept != i:
            own.list[kept] = own.list[i]
        kept += 1
    own.unacked = kept
    return rtt
