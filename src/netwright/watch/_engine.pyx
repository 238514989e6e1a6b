# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The wire engine as one loop over capture bytes; the specification is engine.py."""

cimport cython
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy, memset

from netwright.watch._bytes cimport lowest, prefetch, scaled, u16, u32
from netwright.watch._segment cimport FIN, FRAGMENT, RST, SYN, TCP, Found, Segment, decode, readable
from netwright.watch._exact cimport AGAIN, EXACT_REUSED, PARTIAL, exact_flags, exact_reuses
from netwright.watch._flow cimport FLAGS, Direction, Flow, Judged
from netwright.watch._reassembly cimport Reassembly, reassemble
from netwright.watch._wireshark cimport wireshark_flags, wireshark_reuses

from ipaddress import ip_address

from netwright.core.errors import UsageError

cdef enum:
    INTERFACES = 256
    LARGEST = 262144  # bytes of one packet, the limit of libpcap and Wireshark
    LARGEST_BLOCK = LARGEST + 65536  # a packet's block with its options
    UNKNOWN = 0
    PCAP = 1
    PCAPNG = 2
    WIRESHARK_AGAIN = 7  # retransmission, fast and spurious
    FOREIGN = 8  # link types remembered that cannot be read

cdef int64_t LONGEST_RTT = <int64_t>1 << 40

cdef struct Totals:
    uint64_t packets
    uint64_t data
    uint64_t again
    uint64_t counts[FLAGS]

cdef inline bint same_key(const Flow* flow, const Segment* s) noexcept nogil:
    return (
        flow.key[0] == s.key[0] and flow.key[4] == s.key[4]
        and flow.key[1] == s.key[1] and flow.key[2] == s.key[2] and flow.key[3] == s.key[3]
    )

cdef void count(Totals* sums, Flow* flow) noexcept nogil:
    cdef int way, i
    for way in range(2):
        sums.packets += flow.way[way].packets
        sums.data += flow.way[way].data
        sums.again += flow.way[way].again
        for i in range(FLAGS):
            sums.counts[i] += flow.way[way].counts[i]

cdef tuple numbers(Totals* sums):
    return (sums.packets, sums.data, sums.again, *[sums.counts[i] for i in range(FLAGS)])

cdef str dotted(uint32_t address):
    cdef char text[16]
    cdef int size = snprintf(
        text, 16, b"%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255
    )
    return text[:size].decode("ascii")

cdef tuple endpoints(const uint64_t* key):
    # The smaller endpoint and the other one, as (address, port).
    if key[4] >> 40 == 4:
        low, high = dotted(<uint32_t>(key[0] >> 32)), dotted(<uint32_t>key[0])
    else:
        low = str(ip_address((<char*>&key[0])[:16]))
        high = str(ip_address((<char*>&key[2])[:16]))
    return (low, <int>(key[4] >> 16 & 0xffff)), (high, <int>(key[4] & 0xffff))

cdef tuple segment_row(const Judged* judged):
    low, high = endpoints(judged.key)
    return (
        judged.frame, judged.at, judged.serial, judged.verdicts, judged.rtt,
        high if judged.direction else low, low if judged.direction else high,
        judged.seq, judged.ack, judged.length, judged.flags,
    )

@cython.final
cdef class Engine:
    cdef Flow* flows
    cdef uint32_t* table
    cdef uint32_t* spare
    cdef uint64_t mask
    cdef uint32_t used, max_flows, hand, spares
    cdef int64_t idle
    cdef bint exact, keep
    cdef Totals lost
    cdef Reassembly fragments
    # the file: what its header said, what of a block is still to be skipped, how it broke
    cdef int format, swapped
    cdef uint32_t record_header, interfaces
    cdef uint32_t links[INTERFACES]
    cdef int units[INTERFACES]
    cdef int64_t offsets[INTERFACES]
    cdef uint64_t skip, position
    cdef uint32_t trailer  # length at the end of the block that is being skipped, 0 if none is
    cdef const char* broken
    cdef uint64_t broken_value
    # one row a packet
    cdef uint32_t* flow_column
    cdef uint32_t* flag_column
    cdef int64_t* rtt_column
    cdef Judged* judged
    cdef uint32_t rows_kept, judged_kept, room
    cdef uint32_t foreign_link[FOREIGN]
    cdef uint64_t foreign_count[FOREIGN]
    cdef readonly uint64_t packets, segments, evicted, opened
    cdef readonly int64_t first_at, last_at

    def __cinit__(
        self, str mode="exact", *, int64_t max_flows=65536, object idle_timeout=None, bint columns=False
    ):
        if mode not in ("exact", "wireshark"):
            raise UsageError(f"mode {mode!r}, 'exact' or 'wireshark' allowed")
        if not 1 <= max_flows <= 1 << 24:
            raise UsageError(f"max_flows {max_flows}, 1 to {1 << 24} allowed")
        self.exact = mode == "exact"
        self.max_flows = <uint32_t>max_flows
        self.idle = 0 if idle_timeout is None else <int64_t>(idle_timeout * 1e9)
        self.keep = columns
        self.mask = 1023
        while self.mask < <uint64_t>max_flows * 2:
            self.mask = self.mask * 2 + 1
        self.flows = <Flow*>calloc(self.max_flows, sizeof(Flow))  # untouched pages take no memory
        self.table = <uint32_t*>calloc(self.mask + 1, sizeof(uint32_t))
        self.spare = <uint32_t*>calloc(self.max_flows, sizeof(uint32_t))
        if self.flows == NULL or self.table == NULL or self.spare == NULL:
            raise MemoryError

    def __dealloc__(self):
        cdef uint32_t i
        if self.flows != NULL:
            for i in range(self.used):
                self.release(&self.flows[i])
        for i in range(64):
            free(self.fragments.slot[i].data)
        free(self.flows)
        free(self.table)
        free(self.spare)
        free(self.flow_column)
        free(self.flag_column)
        free(self.rtt_column)
        free(self.judged)

    # ---- flows

    cdef inline void release(self, Flow* flow) noexcept nogil:
        if not self.exact:
            free(flow.way[0].half.wireshark.list)
            free(flow.way[1].half.wireshark.list)
            flow.way[0].half.wireshark.list = NULL
            flow.way[1].half.wireshark.list = NULL

    cdef void retire(self, uint32_t index) noexcept nogil:
        # Adds the flow's counts to the totals of evicted flows and removes it from the table (backward-shift deletion).
        cdef Flow* flow = &self.flows[index]
        cdef uint64_t p = flow.hash & self.mask, q, home
        while self.table[p] and self.table[p] != index + 1:
            p = (p + 1) & self.mask
        if self.table[p]:
            q = p
            while True:
                q = (q + 1) & self.mask
                if not self.table[q]:
                    break
                home = self.flows[self.table[q] - 1].hash & self.mask
                if ((q - home) & self.mask) >= ((q - p) & self.mask):
                    self.table[p] = self.table[q]
                    p = q
            self.table[p] = 0
        count(&self.lost, flow)
        self.release(flow)
        flow.used = False
        self.evicted += 1

    cdef uint32_t slot(self, int64_t at) noexcept nogil:
        # A free slot; if there is none, evicts a flow not seen since the hand passed it last (clock algorithm).
        cdef uint32_t i, index
        cdef Flow* flow
        if self.idle:
            for i in range(2 if self.used >= 2 else 0):
                flow = &self.flows[self.hand]
                if flow.used and at - flow.last_at > self.idle:
                    self.retire(self.hand)
                    self.spare[self.spares] = self.hand
                    self.spares += 1
                self.hand = (self.hand + 1) % self.used
        if self.spares:
            self.spares -= 1
            return self.spare[self.spares]
        if self.used < self.max_flows:
            self.used += 1
            return self.used - 1
        while self.flows[self.hand].recent:
            self.flows[self.hand].recent = False
            self.hand = (self.hand + 1) % self.used
        index = self.hand
        self.hand = (self.hand + 1) % self.used
        self.retire(index)
        return index

    cdef Flow* open_flow(self, Segment* s, int64_t at) noexcept nogil:
        cdef uint32_t index = self.slot(at)
        cdef uint64_t p
        cdef Flow* flow = &self.flows[index]
        memset(flow, 0, sizeof(Flow))
        memcpy(flow.key, s.key, sizeof(s.key))
        flow.hash = s.hash
        flow.serial = <uint32_t>self.opened
        self.opened += 1
        flow.used = True
        flow.client = 2
        flow.first_at = flow.last_at = at
        flow.syn_at = flow.synack_at = flow.established_at = flow.initial_rtt = -1
        if not self.exact:
            flow.way[0].half.wireshark.shift = flow.way[1].half.wireshark.shift = -1
            flow.way[0].half.wireshark.window = flow.way[1].half.wireshark.window = 0xffffffffU
        p = s.hash & self.mask
        while self.table[p] and not same_key(&self.flows[self.table[p] - 1], s):
            p = (p + 1) & self.mask
        self.table[p] = index + 1  # replaces an earlier flow with the same ports
        return flow

    cdef inline Flow* find_flow(self, Segment* s) noexcept nogil:
        cdef uint64_t p = s.hash & self.mask
        cdef Flow* flow
        while self.table[p]:
            flow = &self.flows[self.table[p] - 1]
            if same_key(flow, s):
                return flow
            p = (p + 1) & self.mask
        return NULL

    # ---- one packet

    cdef inline void packet(self, const uint8_t* p, uint32_t cap, uint32_t wire, int64_t at, uint32_t link) noexcept nogil:
        cdef Segment s
        cdef Found found
        if wire < cap:
            wire = cap
        if self.keep:
            self.blank_row()
        if not self.packets:
            self.first_at = self.last_at = at
        self.packets += 1
        if at > self.last_at:
            self.last_at = at
        found = decode(p, cap, wire, link, &s)
        if found == TCP:
            self.segment(&s, at)
        else:
            self.no_segment(p, cap, &s, at, found, link)

    cdef void blank_row(self) noexcept nogil:
        # The row of a packet that is no TCP segment; segment() overwrites it.
        self.flow_column[self.rows_kept] = 0xffffffffU
        self.flag_column[self.rows_kept] = 0
        self.rtt_column[self.rows_kept] = -1
        self.rows_kept += 1

    cdef void no_segment(
        self, const uint8_t* p, uint32_t cap, Segment* s, int64_t at, Found found, uint32_t link
    ) noexcept nogil:
        if found == FRAGMENT:
            self.fragment(p, cap, s, at)
        elif not readable(link):
            self.note_foreign(link)

    cdef void fragment(self, const uint8_t* p, uint32_t cap, Segment* s, int64_t at) noexcept nogil:
        cdef uint32_t size
        p = reassemble(&self.fragments, p, cap, s, &size)
        if p != NULL and decode(p, size, size, 101, s) == TCP:
            self.segment(s, at)

    cdef inline void segment(self, Segment* s, int64_t at) noexcept nogil:
        cdef Flow* flow = self.find_flow(s)
        cdef Direction* own
        cdef Direction* peer
        cdef uint32_t flags = 0, rest
        cdef int64_t rtt = -1
        self.segments += 1
        if flow == NULL:
            flow = self.open_flow(s, at)
        if self.exact:
            if s.flags & SYN and exact_reuses(flow, s):
                flow = self.open_flow(s, at)
                flags = EXACT_REUSED
            flags = exact_flags(flow, s, at, flags, &rtt)
        else:
            if s.flags & SYN and wireshark_reuses(flow, s, &flags):
                flow = self.open_flow(s, at)
            flags = wireshark_flags(flow, s, at, flags, &rtt)
        own = &flow.way[s.direction]
        flow.recent = True
        if at > flow.last_at:
            flow.last_at = at
        own.packets += 1
        own.data += s.length
        own.data_packets += s.length > 0
        if flags & (AGAIN if self.exact else WIRESHARK_AGAIN):
            own.again += min(s.repeated, s.length) if self.exact and flags & PARTIAL else s.length
        own.ttl = s.ttl
        own.fin |= s.flags & FIN
        own.resets += (s.flags & RST) != 0
        if 0 <= rtt < LONGEST_RTT:
            peer = &flow.way[1 - s.direction]
            if not peer.rtts or rtt < peer.rtt_min:
                peer.rtt_min = rtt
            peer.rtt_sum += rtt
            peer.rtts += 1
        if self.keep:
            self.keep_segment(flow, s, at, flags, rtt)
        rest = flags
        while rest:
            own.counts[lowest(rest)] += 1
            rest &= rest - 1

    cdef void keep_segment(self, Flow* flow, Segment* s, int64_t at, uint32_t flags, int64_t rtt) noexcept nogil:
        cdef Judged* judged = &self.judged[self.judged_kept]
        cdef uint32_t row = self.rows_kept - 1
        self.flow_column[row] = flow.serial
        self.flag_column[row] = flags
        self.rtt_column[row] = rtt
        self.judged_kept += 1
        memcpy(judged.key, s.key, sizeof(s.key))
        judged.frame = self.packets
        judged.at = at
        judged.rtt = rtt
        judged.serial = flow.serial
        judged.verdicts = flags
        judged.seq = s.seq
        judged.ack = s.ack
        judged.length = s.length
        judged.flags = s.flags
        judged.direction = s.direction

    cdef void note_foreign(self, uint32_t link) noexcept nogil:
        # Counts a packet of a link type that cannot be read; the first FOREIGN types are remembered.
        cdef int i
        for i in range(FOREIGN):
            if not self.foreign_count[i] or self.foreign_link[i] == link:
                self.foreign_link[i] = link
                self.foreign_count[i] += 1
                return

    # ---- the file

    def feed(self, const uint8_t[::1] data not None, Py_ssize_t size=-1):
        """Take whole records from the front of ``data[:size]``; returns how many bytes they were.  See engine.py."""
        cdef uint64_t n = data.shape[0] if size < 0 or size > data.shape[0] else size
        cdef uint64_t o = 0
        self.rows_kept = self.judged_kept = 0
        if n == 0:
            return 0
        if self.broken != NULL:
            return n
        if self.keep:
            self.make_room(n // 16 + 1)
        with nogil:
            if self.skip:
                o = self.skip if self.skip < n else n
                self.skip -= o
            if self.format == UNKNOWN:
                o = self.open_file(&data[0], n)
            if self.format == PCAP:
                o = self.pcap_records(&data[0], o, n)
            elif self.format == PCAPNG:
                o = self.pcapng_blocks(&data[0], o, n)
        self.position += o
        return n if self.broken != NULL else o

    @property
    def damage(self):
        """Why the file ended early, "" if it did not."""
        if self.broken == NULL:
            return ""
        text = self.broken.decode()
        number = self.broken_value.to_bytes(4, "little").hex(" ") if text.endswith("bytes") else str(self.broken_value)
        return f"{text} {number} at byte {self.position}"

    @property
    def skipping(self):
        """True inside a block of another kind, whose end has not come yet."""
        return self.skip > 0 or self.trailer > 0

    @property
    def unreadable(self):
        """Packets of link types that are not read, by link type; see engine.py."""
        return {self.foreign_link[i]: self.foreign_count[i] for i in range(FOREIGN) if self.foreign_count[i]}

    def add(self, const uint8_t[::1] frame not None, int64_t at, *, uint32_t link=1, uint32_t wire=0):
        """One frame; see engine.py."""
        cdef uint8_t nothing = 0
        self.rows_kept = self.judged_kept = 0
        if self.keep:
            self.make_room(1)
        self.packet(&frame[0] if frame.shape[0] else &nothing, frame.shape[0], wire, at, link)

    def gone(self):
        """Of evicted flows: packets, bytes of data, bytes sent again, then segments by verdict."""
        return numbers(&self.lost)

    def totals(self):
        """The same of all flows, those evicted included."""
        cdef Totals sums = self.lost
        cdef uint32_t i
        for i in range(self.used):
            if self.flows[i].used:
                count(&sums, &self.flows[i])
        return numbers(&sums)

    def rows(self):
        """The flows that are in memory, in order of first sight."""
        cdef uint32_t i
        found = [self.row(&self.flows[i]) for i in range(self.used) if self.flows[i].used]
        found.sort()
        return found

    cdef tuple row(self, Flow* flow):
        return (
            <uint64_t>flow.serial,
            *endpoints(flow.key),
            flow.client, flow.position, (flow.first_at, flow.last_at),
            (flow.syn_at, flow.synack_at, flow.established_at), flow.initial_rtt,
            (self.way(&flow.way[0]), self.way(&flow.way[1])),
        )

    cdef tuple way(self, Direction* way):
        cdef uint32_t unseen = 0
        cdef int i
        if self.exact:
            unseen = way.half.exact.good_steps + way.half.exact.late
            unseen = way.half.exact.span - unseen if way.half.exact.span > unseen else 0
        return (
            way.packets, way.data_packets, way.data, way.again, way.rtt_min, way.rtt_sum, way.rtts, way.ttl,
            way.fin != 0, way.resets, unseen, tuple([way.counts[i] for i in range(FLAGS)]),
        )

    def take_columns(self):
        """Rows of the last ``feed``: flow numbers, flags (both 32 bits), round trips (64 bits), as bytes."""
        if not self.keep:
            raise UsageError("the engine keeps no columns", advice="make it with columns=True")
        cdef uint32_t n = self.rows_kept
        self.rows_kept = self.judged_kept = 0
        return (
            (<char*>self.flow_column)[: n * 4], (<char*>self.flag_column)[: n * 4], (<char*>self.rtt_column)[: n * 8]
        ) if n else (b"", b"", b"")

    def take_segments(self):
        """Segments of the last ``feed``; see engine.py."""
        if not self.keep:
            raise UsageError("the engine keeps no columns", advice="make it with columns=True")
        cdef uint32_t i, n = self.judged_kept
        self.rows_kept = self.judged_kept = 0
        return [segment_row(&self.judged[i]) for i in range(n)]

    cdef int make_room(self, uint64_t rows) except -1:
        if rows <= self.room:
            return 0
        self.flow_column = <uint32_t*>realloc(self.flow_column, rows * 4)
        self.flag_column = <uint32_t*>realloc(self.flag_column, rows * 4)
        self.rtt_column = <int64_t*>realloc(self.rtt_column, rows * 8)
        self.judged = <Judged*>realloc(self.judged, rows * sizeof(Judged))
        if self.flow_column == NULL or self.flag_column == NULL or self.rtt_column == NULL or self.judged == NULL:
            raise MemoryError
        self.room = rows
        return 0

    cdef void fail(self, const char* text, uint64_t value) noexcept nogil:
        self.broken = text
        self.broken_value = value

    cdef uint64_t open_file(self, const uint8_t* b, uint64_t n) noexcept nogil:
        cdef uint32_t magic
        if n < 4:
            return 0
        magic = u32(b, 0)
        if magic == 0x0a0d0d0a:
            self.format = PCAPNG
            return 0
        self.swapped = magic == 0xd4c3b2a1U or magic == 0x4d3cb2a1 or magic == 0x34cdb2a1
        magic = u32(b, self.swapped)
        if magic != 0xa1b2c3d4U and magic != 0xa1b23c4dU and magic != 0xa1b2cd34U:
            self.fail("not a capture file: it begins with bytes", magic)
            return 0
        if n < 24:
            return 0
        self.format = PCAP
        self.units[0] = 9 if magic == 0xa1b23c4dU else 6
        self.record_header = 24 if magic == 0xa1b2cd34U else 16
        self.links[0] = u32(b + 20, self.swapped) & 0xffff
        return 24

    cdef uint64_t pcap_records(self, const uint8_t* b, uint64_t o, uint64_t n) noexcept nogil:
        cdef uint32_t cap, head = self.record_header, link = self.links[0]
        cdef int swapped = self.swapped
        cdef int64_t unit = 1 if self.units[0] == 9 else 1000
        while o + head <= n:
            cap = u32(b + o + 8, swapped)
            if cap > LARGEST:
                self.fail("a packet has more than 262144 bytes:", cap)
                return o
            if o + head + cap > n:
                return o
            prefetch(b + o + head + cap)
            prefetch(b + o + head + cap + 64)
            self.packet(
                b + o + head, cap, u32(b + o + 12, swapped),
                <int64_t>u32(b + o, swapped) * 1000000000 + <int64_t>u32(b + o + 4, swapped) * unit, link,
            )
            o += head + cap
        return o

    cdef uint64_t pcapng_blocks(self, const uint8_t* b, uint64_t o, uint64_t n) noexcept nogil:
        cdef uint32_t kind, size
        while True:
            if self.trailer and not self.skip:
                if o + 4 > n:
                    return o
                if u32(b + o, self.swapped) != self.trailer:
                    self.fail("the two lengths of a pcapng block differ; the second is", u32(b + o, self.swapped))
                    return o
                self.trailer = 0
                o += 4
            if o + 12 > n:
                return o
            kind = u32(b + o, 0)
            if kind == 0x0a0d0d0a:
                if u32(b + o + 8, 0) != 0x1a2b3c4d and u32(b + o + 8, 1) != 0x1a2b3c4d:
                    self.fail("not a pcapng section: byte order mark of bytes", u32(b + o + 8, 0))
                    return o
                self.swapped = u32(b + o + 8, 0) != 0x1a2b3c4d
                self.interfaces = 0
            else:
                kind = u32(b + o, self.swapped)
            size = u32(b + o + 4, self.swapped)
            if size < 12 or size & 3:
                self.fail("a pcapng block has fewer than 12 bytes, or not a multiple of 4:", size)
                return o
            if kind != 1 and kind != 2 and kind != 3 and kind != 6:
                self.trailer = size
                if o + size - 4 > n:
                    self.skip = o + size - 4 - n
                    return n
                o += size - 4
                continue
            if size > LARGEST_BLOCK:
                self.fail("a pcapng block has more than 327680 bytes:", size)
                return o
            if o + size > n:
                return o
            prefetch(b + o + size)
            prefetch(b + o + size + 64)
            if u32(b + o + size - 4, self.swapped) != size:
                self.fail("the two lengths of a pcapng block differ; the second is", u32(b + o + size - 4, self.swapped))
                return o
            if not self.pcapng_block(b + o, kind, size):
                return o
            o += size

    cdef bint pcapng_block(self, const uint8_t* b, uint32_t kind, uint32_t size) noexcept nogil:
        cdef uint32_t which = 0, cap, wire, head
        cdef int64_t at = 0
        if kind == 1:
            return self.pcapng_interface(b, size)
        if kind == 3:
            head = 12
            if size < 16:
                self.fail("a pcapng simple packet block has fewer than 16 bytes:", size)
                return False
            wire = u32(b + 8, self.swapped)
            cap = wire if wire < size - 16 else size - 16
        else:
            head = 28
            if size < 32:
                self.fail("a pcapng packet block has fewer than 32 bytes:", size)
                return False
            which = u32(b + 8, self.swapped) if kind == 6 else u16(b + 8, self.swapped)
            cap = u32(b + 20, self.swapped)
            wire = u32(b + 24, self.swapped)
            if cap > size - 32:
                self.fail("a pcapng packet is longer than its block:", cap)
                return False
        if which >= self.interfaces:
            self.fail("a pcapng packet names an interface that no block describes:", which)
            return False
        if kind != 3:
            at = scaled(
                (<uint64_t>u32(b + 12, self.swapped) << 32) | u32(b + 16, self.swapped), self.units[which]
            )
            at = <int64_t>(<uint64_t>(at + self.offsets[which]) << 2 >> 2)
        self.packet(b + head, cap, wire, at, self.links[which])
        return True

    cdef bint pcapng_interface(self, const uint8_t* b, uint32_t size) noexcept nogil:
        cdef uint32_t o = 16, code, length, which = self.interfaces
        if size < 20:
            self.fail("a pcapng interface block has fewer than 20 bytes:", size)
            return False
        if which == INTERFACES:
            self.fail("a pcapng section has more than 256 interfaces:", which + 1)
            return False
        self.links[which] = u16(b + 8, self.swapped)
        self.units[which] = 6
        self.offsets[which] = 0
        while o + 4 <= size - 4:
            code = u16(b + o, self.swapped)
            length = u16(b + o + 2, self.swapped)
            if code == 0 or o + 4 + length > size - 4:
                break
            if code == 9 and length >= 1:  # if_tsresol: 10**-n, or 2**-n with the highest bit
                self.units[which] = -<int>(b[o + 4] & 0x7f) if b[o + 4] & 0x80 else b[o + 4]
            elif code == 14 and length >= 8:  # if_tsoffset, seconds
                self.offsets[which] = <int64_t>((
                    <uint64_t>u32(b + o + (4 if self.swapped else 8), self.swapped) << 32
                    | u32(b + o + (8 if self.swapped else 4), self.swapped)
                ) * <uint64_t>1000000000)
            o += 4 + ((length + 3) & ~3)
        self.interfaces += 1
        return True
