# The state of one flow: counters of both modes, and the state of each.  See exact.py and wireshark.py.
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    FLAGS = 20
    HOLES = 16  # ranges not yet seen, of one direction in mode "exact"
    HEARD = 8  # acknowledgments whose times are kept
    IDENTS = 256  # identifications remembered up to the highest
    RESENT = 8  # starts of the last segments sent again
    UNACKED = 4096  # unacknowledged segments of a direction in mode "wireshark"

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
    uint32_t snd_max  # end of the highest segment seen
    uint32_t snd_una  # highest acknowledgment heard
    uint32_t sack_high  # highest edge that the peer reported out of order
    uint32_t high_seq  # snd_max when recovery or loss began: it ends there
    uint32_t loss_end  # end of the segment that the timeout sent
    uint32_t probe_high  # snd_max at the tail loss probe
    uint32_t window  # offered, in bytes
    uint32_t last_ack
    uint32_t last_seq
    uint32_t duplicates
    uint32_t isn
    uint32_t top_stamp
    uint32_t timed_end
    uint8_t state
    uint8_t shift
    uint8_t started
    uint8_t has_isn
    uint8_t scales
    uint8_t sacks
    uint8_t heard
    uint8_t probed
    uint8_t lone  # nothing was resent since the timeout
    uint8_t timing
    uint8_t stamped
    uint8_t window_probe
    uint8_t heard_window
    uint8_t closed  # the last window offered was 0
    uint8_t counted  # top_ident is known
    int64_t timed_at
    int64_t srtt
    int64_t rttvar
    int64_t sent_at  # when snd_max moved
    int64_t heard_at  # last acknowledgment
    int64_t clocked_at  # last resend that an acknowledgment released
    int64_t timer_at  # when the retransmission timer was last set
    # identification of IPv4 (RFC 6864): the order of sending
    uint32_t top_ident
    uint32_t good_steps
    uint32_t bad_steps
    uint32_t span
    uint32_t late
    uint64_t idents[4]  # bit ident % IDENTS: which of them were seen
    uint32_t heard_count
    int64_t heard_times[HEARD]
    uint32_t again_next
    uint32_t again[RESENT]
    uint32_t holes
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
    uint8_t fin
    uint32_t resets
    uint32_t counts[FLAGS]

cdef struct Judged:
    # A segment with its verdicts, kept for take_segments().
    uint64_t key[5]
    uint64_t frame
    int64_t at
    int64_t rtt
    uint32_t serial
    uint32_t verdicts
    uint32_t seq
    uint32_t ack
    uint32_t length
    uint32_t flags
    uint32_t direction

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
