# Mode "exact"; the specification is exact.py, with the same names in the same order.
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from netwright.watch._bytes cimport be32
from netwright.watch._segment cimport ACK, FIN, RST, SYN, Segment
from netwright.watch._flow cimport HEARD, HOLES, IDENTS, RESENT, ExactHalf, Flow

cdef enum:
    AGAIN = 1 << 0
    TIMEOUT = 1 << 1
    PROBE = 1 << 2
    FAST = 1 << 3
    SLOW_START = 1 << 4
    HANDSHAKE = 1 << 5
    REORDERED = 1 << 6
    NETWORK_DUPLICATE = 1 << 7
    MIRROR_DUPLICATE = 1 << 8
    SPURIOUS = 1 << 9
    NOT_CAPTURED = 1 << 10
    HOLE = 1 << 11
    EXACT_DUPLICATE_ACK = 1 << 12
    EXACT_ZERO_WINDOW = 1 << 13
    WINDOW_PROBE = 1 << 14
    KEEPALIVE = 1 << 15
    EXACT_WINDOW_FULL = 1 << 16
    PARTIAL = 1 << 17
    EXACT_REUSED = 1 << 18
    DSACK = 1 << 19
    # states of the sender
    OPEN = 0
    RECOVERY = 1
    LOSS = 2
    # order of sending
    UNKNOWN_ORDER = 0
    NEWER = 1
    LATE = 2
    TWICE = 3

cdef enum:
    CLOCKED_NS = 1500000
    NEAR_NS = 500000
    LOCAL_NS = 200000
    MIN_RTO_NS = 200000000

cdef inline bint earlier(uint32_t a, uint32_t b) noexcept nogil:
    return <int32_t>(a - b) < 0

cdef inline bint exact_reuses(Flow* flow, Segment* s) noexcept nogil:
    # A SYN with another initial sequence number is another connection; a SYN/ACK's is the same connection's.
    cdef ExactHalf* own = &flow.way[s.direction].half.exact
    return not s.flags & ACK and own.started and not (own.has_isn and own.isn == s.seq)

cdef inline void read_syn(Flow* flow, ExactHalf* own, Segment* s, int64_t at) noexcept nogil:
    cdef uint32_t o = 0
    cdef const uint8_t* p = s.options
    own.has_isn = True
    own.isn = s.seq
    while o + 1 < s.options_length and p[o]:
        if p[o] == 1:
            o += 1
            continue
        if p[o + 1] < 2 or o + p[o + 1] > s.options_length:
            break
        if p[o] == 3 and p[o + 1] == 3:  # RFC 7323 §2.2
            own.scales = True
            own.shift = p[o + 2] if p[o + 2] <= 14 else 14
        elif p[o] == 4:  # RFC 2018 §2
            own.sacks = True
        o += p[o + 1]
    if not s.flags & ACK:
        flow.client = s.direction
        flow.syn_at = at
    else:
        flow.client = 1 - s.direction
        flow.synack_at = at
        if flow.syn_at >= 0 and at - flow.syn_at <= NEAR_NS and flow.established_at < 0:
            flow.position |= 1 << s.direction

cdef inline void read_position(Flow* flow, Segment* s, int64_t at) noexcept nogil:
    # The third segment of the handshake: whose answer came at once is at the capture point.
    cdef int64_t server = flow.synack_at - flow.syn_at, client = at - flow.synack_at
    flow.established_at = at
    flow.position = 4
    if flow.syn_at < 0 or server < 0 or client < 0:
        return
    flow.initial_rtt = server + client
    if flow.initial_rtt <= LOCAL_NS:
        flow.position |= 3
    elif client < flow.initial_rtt // 10:
        flow.position |= 1 << flow.client
    elif server < flow.initial_rtt // 10:
        flow.position |= 2 >> flow.client

cdef inline void note_ident(ExactHalf* own, uint32_t ident) noexcept nogil:
    own.idents[ident >> 6 & 3] |= <uint64_t>1 << (ident & 63)

cdef inline void first_ident(ExactHalf* own, uint32_t ident) noexcept nogil:
    memset(own.idents, 0, sizeof(own.idents))
    note_ident(own, ident)
    own.counted = True
    own.top_ident = ident

cdef inline uint32_t ident_order(ExactHalf* own, Segment* s) noexcept nogil:
    cdef int32_t step
    cdef uint32_t skipped
    cdef bint usable
    if not s.ident:
        return UNKNOWN_ORDER
    if not own.counted:
        first_ident(own, s.ident)
        return UNKNOWN_ORDER
    step = <int16_t>(s.ident - own.top_ident)
    usable = own.good_steps > 0 and own.bad_steps * 8 <= own.good_steps
    if 0 < step <= IDENTS:
        own.good_steps += 1
        own.span += step
        for skipped in range(own.top_ident + 1, own.top_ident + step):
            own.idents[skipped >> 6 & 3] &= ~(<uint64_t>1 << (skipped & 63))
        note_ident(own, s.ident)
        own.top_ident = s.ident
        return NEWER if usable else UNKNOWN_ORDER
    if step == 0:
        if s.seq == own.last_seq and s.ack == own.last_ack:
            return TWICE
        own.bad_steps += 1
        return UNKNOWN_ORDER
    if -IDENTS < step < 0:
        if own.idents[s.ident >> 6 & 3] >> (s.ident & 63) & 1:
            return TWICE if usable else UNKNOWN_ORDER
        note_ident(own, s.ident)
        own.late += 1
        return LATE if usable else UNKNOWN_ORDER
    own.bad_steps += 1
    first_ident(own, s.ident)
    return UNKNOWN_ORDER

cdef inline void read_more(Segment* s, const uint8_t** sack, uint32_t* blocks) noexcept nogil:
    # Timestamps (RFC 7323 §3.2) and SACK blocks (RFC 2018 §3) of a segment that is no SYN.
    cdef const uint8_t* p = s.options
    cdef uint32_t o = 0
    s.stamped = False
    blocks[0] = 0
    if s.options_length == 12 and be32(p) == 0x0101080a:
        s.stamp = be32(p + 4)
        s.stamped = True
        return
    while o + 1 < s.options_length and p[o]:
        if p[o] == 1:
            o += 1
            continue
        if p[o + 1] < 2 or o + p[o + 1] > s.options_length:
            return
        if p[o] == 8 and p[o + 1] == 10:
            s.stamp = be32(p + o + 2)
            s.stamped = True
        elif p[o] == 5:
            sack[0] = p + o + 2
            blocks[0] = (p[o + 1] - 2) // 8
        o += p[o + 1]

cdef inline bint was_resent(ExactHalf* own, uint32_t seq) noexcept nogil:
    cdef uint32_t i
    for i in range(own.again_next if own.again_next < RESENT else RESENT):
        if own.again[i] == seq:
            return True
    return False

cdef inline uint32_t read_sack(ExactHalf* peer, Segment* s, const uint8_t* sack, uint32_t blocks) noexcept nogil:
    # RFC 2883 §4: a first block below the acknowledgment, or inside the second, reports data that came twice.
    cdef uint32_t i, start, end, flags = 0
    for i in range(blocks):
        start = be32(sack + 8 * i)
        end = be32(sack + 8 * i + 4)
        if i == 0 and (
            not earlier(s.ack, end)
            or (blocks > 1 and not earlier(start, be32(sack + 8)) and not earlier(be32(sack + 12), end))
        ):
            flags |= DSACK
            if was_resent(peer, start):
                flags |= SPURIOUS
        elif earlier(peer.sack_high, end) and not earlier(peer.snd_max, end):
            if peer.state == LOSS and peer.lone and earlier(peer.loss_end, end) and not earlier(peer.high_seq, end):
                peer.state = OPEN  # F-RTO, RFC 5682 §3: data sent before the timeout arrives, nothing was lost
            peer.sack_high = end
    return flags

cdef inline void sample(ExactHalf* peer, int64_t rtt) noexcept nogil:
    # RFC 6298 §2.2, §2.3
    cdef int64_t off
    if not peer.srtt:
        peer.srtt = rtt
        peer.rttvar = rtt >> 1
    else:
        off = rtt - peer.srtt
        peer.rttvar += ((off if off >= 0 else -off) - peer.rttvar) >> 2
        peer.srtt += off >> 3

cdef inline uint32_t close_holes(ExactHalf* peer, uint32_t ack) noexcept nogil:
    # What is acknowledged and was never seen passed by the capture.
    cdef uint32_t i, kept = 0, flags = 0
    for i in range(peer.holes):
        if earlier(peer.hole[i].start, ack):
            flags = NOT_CAPTURED
            if not earlier(ack, peer.hole[i].end):
                continue
            peer.hole[i].start = ack
        if kept != i:
            peer.hole[kept] = peer.hole[i]
        kept += 1
    peer.holes = kept
    return flags

cdef inline uint32_t window_of(const ExactHalf* own, const ExactHalf* peer, const Segment* s) noexcept nogil:
    # In bytes: scaled if both sides offered it, and never in a SYN (RFC 7323 §2.2).
    return s.window << (own.shift if own.scales and peer.scales and not s.flags & SYN else 0)

cdef inline uint32_t read_ack(
    ExactHalf* own, ExactHalf* peer, Segment* s, int64_t at, const uint8_t* sack, uint32_t blocks, int64_t* rtt
) noexcept nogil:
    cdef uint32_t flags = 0
    cdef bint bare = s.length == 0 and not s.flags & (SYN | FIN)
    if not peer.started:
        peer.started = True
        peer.snd_max = peer.snd_una = peer.sack_high = s.ack
    if earlier(peer.snd_max, s.ack):
        if not (peer.window_probe and s.ack == peer.snd_max + 1):
            flags |= NOT_CAPTURED
        peer.snd_max = s.ack
        peer.sent_at = at
    peer.window_probe = False
    if blocks:
        flags |= read_sack(peer, s, sack, blocks)
    if earlier(peer.snd_una, s.ack):
        if peer.timing and not earlier(s.ack, peer.timed_end):
            peer.timing = False
            if at >= peer.timed_at:
                rtt[0] = at - peer.timed_at
                sample(peer, rtt[0])
        if peer.holes:
            flags |= close_holes(peer, s.ack)
        if peer.state == LOSS and peer.lone and earlier(peer.loss_end, s.ack):
            peer.state = OPEN  # F-RTO again: more is acknowledged than was resent
        if peer.state != OPEN and not earlier(s.ack, peer.high_seq):
            peer.state = OPEN
        if peer.probed and earlier(peer.probe_high, s.ack):
            peer.probed = False
        if earlier(peer.sack_high, s.ack):
            peer.sack_high = s.ack
        peer.snd_una = s.ack
        peer.duplicates = 0
        peer.timer_at = at
    elif s.ack == peer.snd_una and bare and peer.snd_max != s.ack:
        if peer.probed and s.ack == peer.probe_high:
            peer.probed = False
        if blocks or (s.ack == own.last_ack and window_of(own, peer, s) == own.window):  # RFC 5681 §2
            peer.duplicates += 1
            flags |= EXACT_DUPLICATE_ACK
    elif s.ack == peer.snd_una and bare and flags & DSACK:
        peer.probed = False
    peer.heard = True
    peer.heard_at = at
    peer.heard_times[peer.heard_count % HEARD] = at
    peer.heard_count += 1
    if peer.heard_count == 2 * HEARD:
        peer.heard_count = HEARD
    return flags

cdef inline bint fill_hole(ExactHalf* own, uint32_t start, uint32_t end, int64_t* since) noexcept nogil:
    cdef uint32_t i = 0
    while i < own.holes:
        if earlier(start, own.hole[i].end) and earlier(own.hole[i].start, end):
            since[0] = own.hole[i].at
            if earlier(own.hole[i].start, start):
                if earlier(end, own.hole[i].end) and own.holes < HOLES:  # in the middle: two remain
                    own.hole[own.holes] = own.hole[i]
                    own.hole[own.holes].start = end
                    own.holes += 1
                own.hole[i].end = start
            elif earlier(end, own.hole[i].end):
                own.hole[i].start = end
            else:
                own.holes -= 1
                own.hole[i] = own.hole[own.holes]
            return True
        i += 1
    return False

cdef inline int64_t round_trip(Flow* flow, ExactHalf* own, uint32_t direction) noexcept nogil:
    if own.srtt and (flow.position >> direction & 1 or own.srtt >= flow.initial_rtt):
        return own.srtt
    return flow.initial_rtt if flow.initial_rtt > 0 else 0

cdef inline uint32_t origin(
    Flow* flow, ExactHalf* own, Segment* s, int64_t at, uint32_t end, uint32_t order
) noexcept nogil:
    # AGAIN if the sender sent it again, otherwise what the path or the capture did.
    cdef int64_t since = own.sent_at, rtt = round_trip(flow, own, s.direction)
    cdef bint missing = own.holes and fill_hole(own, s.seq, end, &since)
    cdef bint here = flow.position >> s.direction & 1
    if here or order == NEWER:
        return AGAIN
    if order == LATE:
        return REORDERED
    if s.stamped and own.stamped and s.stamp != own.top_stamp:
        return AGAIN
    if s.flags & SYN:
        return AGAIN if at - own.sent_at >= MIN_RTO_NS else NETWORK_DUPLICATE
    if missing:
        return AGAIN if at - since >= rtt - rtt // 10 else REORDERED
    if s.stamped or (
        at - own.sent_at < rtt - rtt // 10 and own.duplicates < 3 and not earlier(s.seq, own.sack_high)
    ):
        return NETWORK_DUPLICATE
    return AGAIN

cdef inline bint released(Flow* flow, ExactHalf* own, Segment* s, int64_t at) noexcept nogil:
    # True if an acknowledgment, or a retransmission that one had released, came just before.
    cdef int64_t path, since
    cdef uint32_t i
    if not own.heard:
        return False
    if at - own.clocked_at <= CLOCKED_NS:
        return True
    if flow.position >> s.direction & 1 or flow.initial_rtt < 0:
        return at - own.heard_at <= CLOCKED_NS + round_trip(flow, own, s.direction) // 50
    path = flow.established_at - flow.synack_at
    if s.direction != flow.client:
        path = flow.initial_rtt - path
    for i in range(own.heard_count if own.heard_count < HEARD else HEARD):
        since = at - own.heard_times[i]
        if path - path // 8 <= since <= path + path // 4 + CLOCKED_NS:
            return True
    return False

cdef inline uint32_t cause(
    Flow* flow, ExactHalf* own, Segment* s, int64_t at, uint32_t end
) noexcept nogil:
    # Which mechanism of the sender sent a segment again.
    cdef bint above = earlier(s.seq, own.sack_high) and own.sack_high != own.snd_una
    cdef bint here = flow.position >> s.direction & 1
    cdef bint clocked
    if s.flags & SYN:
        return HANDSHAKE
    clocked = released(flow, own, s, at)
    if clocked and own.state == LOSS:
        own.clocked_at = at
        return SLOW_START
    if clocked and (above or own.duplicates >= 3 or own.state == RECOVERY or not here):
        own.clocked_at = at
        if own.state == OPEN:
            own.state = RECOVERY
            own.high_seq = own.snd_max
        return FAST
    if own.state == LOSS:
        return TIMEOUT if s.seq == own.snd_una else SLOW_START
    if (above or own.state == RECOVERY) and (
        s.seq != own.snd_una or at - own.timer_at < MIN_RTO_NS
    ):
        # RACK's reordering timer (RFC 8985 §6.2) or pacing
        if own.state == OPEN:
            own.state = RECOVERY
            own.high_seq = own.snd_max
        return FAST
    if own.state == OPEN and not above and end == own.snd_max and own.sacks and not own.probed:
        return PROBE
    if not here and at - own.sent_at < MIN_RTO_NS:
        if own.state == OPEN:
            own.state = RECOVERY
            own.high_seq = own.snd_max
        return FAST
    return TIMEOUT

cdef inline uint32_t resent(Flow* flow, ExactHalf* own, Segment* s, int64_t at, uint32_t end) noexcept nogil:
    cdef uint32_t why = cause(flow, own, s, at, end)
    own.timing = False  # Karn, RFC 6298 §3
    own.lone = False
    if why == TIMEOUT:
        own.state = LOSS
        own.high_seq = own.snd_max
        own.loss_end = end
        own.lone = True
        own.probed = False
    elif why == PROBE:
        own.probed = True
        own.probe_high = own.snd_max
    if s.seq == own.snd_una:
        own.timer_at = at
    own.again[own.again_next % RESENT] = s.seq
    own.again_next += 1
    if own.again_next == 2 * RESENT:
        own.again_next = RESENT
    return AGAIN | why

cdef inline void add_hole(ExactHalf* own, uint32_t end, int64_t at) noexcept nogil:
    if own.holes < HOLES:
        own.hole[own.holes].start = own.snd_max
        own.hole[own.holes].end = end
        own.hole[own.holes].at = at
        own.holes += 1

cdef inline void advance(ExactHalf* own, uint32_t end, int64_t at) noexcept nogil:
    if own.snd_una == own.snd_max:
        own.timer_at = at
    if not own.timing and own.state == OPEN:
        own.timing = True
        own.timed_end = end
        own.timed_at = at
    own.snd_max = end
    own.sent_at = at
    own.window_probe = False

cdef inline uint32_t read_data(
    Flow* flow, ExactHalf* own, ExactHalf* peer, Segment* s, int64_t at, uint32_t order
) noexcept nogil:
    cdef uint32_t flags = 0
    cdef bint marked = (s.flags & (SYN | FIN)) != 0
    cdef uint32_t end = s.seq + s.length + (1 if s.flags & SYN else 0) + (1 if s.flags & FIN else 0)
    if not own.started:
        own.started = True
        own.snd_una = own.snd_max = own.sack_high = s.seq
    if s.length <= 1 and not marked and order != LATE and own.heard and s.seq == own.snd_una - 1:
        return WINDOW_PROBE if peer.closed else KEEPALIVE
    if s.length == 1 and not marked and peer.closed and s.seq == own.snd_max:
        own.window_probe = True
        return WINDOW_PROBE
    if earlier(own.snd_max, s.seq):
        flags |= HOLE
        add_hole(own, s.seq, at)
        own.snd_max = s.seq
    if end == s.seq or s.seq == own.snd_max:
        if end != s.seq:
            advance(own, end, at)
        return flags | (REORDERED if order == LATE and not flow.position >> s.direction & 1 else 0)
    flags |= origin(flow, own, s, at, end, order)
    if flags & AGAIN:
        flags |= resent(flow, own, s, at, end)
    if earlier(own.snd_max, end):
        flags |= PARTIAL
        s.repeated = own.snd_max - s.seq
        own.snd_max = end
        own.sent_at = at
    return flags

cdef inline uint32_t exact_flags(Flow* flow, Segment* s, int64_t at, uint32_t flags, int64_t* rtt) noexcept nogil:
    cdef ExactHalf* own = &flow.way[s.direction].half.exact
    cdef ExactHalf* peer = &flow.way[1 - s.direction].half.exact
    cdef const uint8_t* sack = NULL
    cdef uint32_t blocks = 0, order = ident_order(own, s)
    cdef bint marked = (s.flags & (SYN | FIN | RST)) != 0
    if order == TWICE:
        return flags | (MIRROR_DUPLICATE if flow.position >> s.direction & 1 else NETWORK_DUPLICATE)
    read_more(s, &sack, &blocks)
    if order == UNKNOWN_ORDER and s.stamped and own.stamped and earlier(s.stamp, own.top_stamp):
        order = LATE
    if s.flags & SYN:
        read_syn(flow, own, s, at)
    elif flow.established_at < 0 and flow.synack_at >= 0 and s.flags & ACK and s.direction == flow.client:
        read_position(flow, s, at)
    if not s.flags & RST:
        if s.flags & ACK:
            flags |= read_ack(own, peer, s, at, sack, blocks, rtt)
        if s.length and peer.heard_window and not marked and s.seq + s.length == peer.last_ack + peer.window:
            flags |= EXACT_WINDOW_FULL
        flags |= read_data(flow, own, peer, s, at, order)
        if not (order == LATE and own.heard_window):
            own.window = window_of(own, peer, s)
            own.heard_window = (s.flags & ACK) != 0
            own.closed = s.window == 0 and not marked
            if own.closed:
                flags |= EXACT_ZERO_WINDOW
    if s.stamped and (not own.stamped or earlier(own.top_stamp, s.stamp)):
        own.top_stamp = s.stamp
        own.stamped = True
    own.last_seq = s.seq
    own.last_ack = s.ack
    return flags
