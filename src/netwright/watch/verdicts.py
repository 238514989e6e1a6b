"""The names of what the engine says about a segment, by mode, in the order of their bits.  Values only, no I/O."""

from typing import Final, Literal

__all__ = ["EXACT", "NAMES", "WIRESHARK", "Mode"]

Mode = Literal["exact", "wireshark"]

EXACT: Final = (
    "retransmission",  # the sender sent it again; the next five say why
    "timeout",  # RFC 6298 §5: the retransmission timer
    "tail_loss_probe",  # RFC 8985 §7
    "fast",  # RFC 6675, RFC 8985 §6: acknowledgments or RACK showed the loss
    "slow_start",  # acknowledgments released it after a timeout
    "handshake",  # SYN or SYN/ACK
    "reordered",  # the path delivered it late
    "network_duplicate",  # the path delivered it twice
    "mirror_duplicate",  # the capture has it twice
    "spurious",  # this acknowledgment proves that a retransmission was needless (RFC 2883)
    "not_captured",  # it acknowledges what the capture never saw
    "hole",  # something before it is missing so far
    "duplicate_ack",
    "zero_window",
    "zero_window_probe",
    "keep_alive",
    "window_full",
    "partial",  # a retransmission with new data behind
    "reused_ports",
    "dsack",
)
WIRESHARK: Final = (
    "retransmission",
    "fast_retransmission",
    "spurious_retransmission",
    "out_of_order",
    "lost_segment",
    "ack_lost_segment",
    "duplicate_ack",
    "zero_window",
    "window_full",
    "window_update",
    "keep_alive",
    "keep_alive_ack",
    "zero_window_probe",
    "zero_window_probe_ack",
    "reused_ports",
)
NAMES: Final = {"exact": EXACT, "wireshark": WIRESHARK}
