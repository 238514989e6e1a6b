# The state of one flow: what both modes count, and what each remembers.  The specification is flow.py.
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    FLAGS = 20
    HOLES = 16
    UNACKED = 4096  # segments that wait for their acknowledgment in mode "wireshark"

cdef struct Unacked:
    uint32_t end
    uint32_t seq
    int64_t at

cdef struct Hole:
    uint32_t start
    uint32_t end
    int64_t at

cdef struct WiresharkHalf:
    uint32_t base
    uint32_t next
    uint32_t expected  # highest acknowledgment that the peer can give for what was seen in order
    uint32_t last_ack
    uint32_t last_flags
    uint32_t window
    int32_t duplicates
    int32_t shift  # -1 unknown, -2 the option was not offered by both
    int64_t next_at
    int64_t ack_at
    bint based
    bint unscaled
    uint32_t unacked
    uint32_t room
    Unacked* list

cdef struct ExactHalf:
    uint32_t snd_max
    uint32_t snd_una
    uint32_t sack_high
    uint32_t high_seq
    uint32_t probe_high
    uint32_t window
    uint32_t last_ack
    uint32_t duplicates
    uint32_t shift
    uint32_t mss
    uint32_t isn
    uint32_t top_stamp
    uint8_t state
    uint8_t probed
    bint started
    bint acked
    bint has_isn
    bint scales
    bint sacks
    bint timing
    uint32_t timed_end
    int64_t timed_at
    int64_t srtt
    int64_t rttvar
    int64_t sent_at
    int64_t heard_at
    int64_t advanced_at
    int64_t clocked_at
    # identification of IPv4, RFC 6864: order of sending
    uint32_t top_ident
    uint64_t seen_idents
    uint32_t good_steps
    uint32_t bad_steps
    uint32_t lost_idents
    uint32_t dsacks
    uint32_t holes
    uint32_t holes_dropped
    Hole hole[HOLES]

cdef union Half:
    WiresharkHalf wireshark
    ExactHalf exact

cdef struct Direction:
    Half half
    uint32_t packets
    uint32_t data_packets
    uint64_t data
    uint64_t again  # bytes sent again
    int64_t rtt_min
    int64_t rtt_sum
    uint32_t rtts
    uint8_t ttl
    uint8_t fins
    uint8_t resets
    uint32_t counts[FLAGS]

cdef struct Flow:
    uint64_t key[5]
    uint64_t hash
    uint32_t serial
    uint8_t used
    uint8_t recent  # the clock hand's mark
    uint8_t client  # direction of the SYN: 0, 1; 2 unknown
    uint8_t position
    int64_t first_at
    int64_t last_at
    int64_t syn_at
    int64_t synack_at
    int64_t established_at
    int64_t initial_rtt
    Direction way[2]
