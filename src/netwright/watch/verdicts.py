"""Names and meanings of the verdicts on a segment, by mode, in the order of their bits."""

from typing import Final, Literal

__all__ = ["EXACT", "MEANINGS", "NAMES", "WIRESHARK", "Mode"]

Mode = Literal["exact", "wireshark"]

EXACT: Final = {
    "retransmission": "sent again by its sender",  # the next five give the reason
    "timeout": "… when the retransmission timer expired",  # RFC 6298 §5
    "tail_loss_probe": "… as a tail loss probe",  # RFC 8985 §7
    "fast": "… after duplicate ACKs, SACK or RACK",  # RFC 6675, RFC 8985 §6
    "slow_start": "… in slow start after a timeout",
    "handshake": "… a SYN or SYN/ACK",
    "reordered": "delivered late by the network",
    "network_duplicate": "delivered twice by the network",
    "mirror_duplicate": "captured twice",
    "spurious": "ACK of a needless retransmission",  # RFC 2883
    "not_captured": "acknowledges data not in the capture",
    "hole": "data before it is missing so far",
    "duplicate_ack": "repeats the last acknowledgment",
    "zero_window": "its sender has no receive buffer left",
    "zero_window_probe": "probes a zero window",
    "keep_alive": "keep-alive probe",
    "window_full": "fills the receiver's window",
    "partial": "retransmission that also has new data",
    "reused_ports": "new connection on the same ports",
    "dsack": "reports data that arrived twice",
}
WIRESHARK: Final = {
    "retransmission": "neither fast nor spurious",
    "fast_retransmission": "after two or more duplicate ACKs",
    "spurious_retransmission": "its data was acknowledged before",
    "out_of_order": "sent before, arrived after",
    "lost_segment": "a segment before it was not captured",
    "ack_lost_segment": "acknowledges data not in the capture",
    "duplicate_ack": "repeats the last acknowledgment",
    "zero_window": "its sender has no receive buffer left",
    "window_full": "fills the receiver's window",
    "window_update": "changes the window only",
    "keep_alive": "keep-alive probe",
    "keep_alive_ack": "answers a keep-alive probe",
    "zero_window_probe": "probes a zero window",
    "zero_window_probe_ack": "answers a zero-window probe",
    "reused_ports": "new connection on the same ports",
}
MEANINGS: Final[dict[Mode, dict[str, str]]] = {"exact": EXACT, "wireshark": WIRESHARK}
NAMES: Final[dict[Mode, tuple[str, ...]]] = {mode: tuple(meanings) for mode, meanings in MEANINGS.items()}
