"""struct tcp_info of an endpoint, as Linux would fill it (linux/tcp.h)."""

import struct
from math import isinf

from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.rack import DUPLICATES
from netwright.proto.tcp.recovery import Phase
from netwright.proto.tcp.state import State
from netwright.wire.tcp_info import FIELDS, TcpState

__all__ = ["STATES", "pack_info", "tcp_info"]

STATES = {
    State.ESTABLISHED: int(TcpState.ESTABLISHED),
    State.SYN_SENT: int(TcpState.SYN_SENT),
    State.SYN_RECEIVED: int(TcpState.SYN_RECV),
    State.FIN_WAIT_1: int(TcpState.FIN_WAIT1),
    State.FIN_WAIT_2: int(TcpState.FIN_WAIT2),
    State.TIME_WAIT: int(TcpState.TIME_WAIT),
    State.CLOSED: int(TcpState.CLOSE),
    State.CLOSE_WAIT: int(TcpState.CLOSE_WAIT),
    State.LAST_ACK: int(TcpState.LAST_ACK),
    State.LISTEN: int(TcpState.LISTEN),
    State.CLOSING: int(TcpState.CLOSING),
}
_PHASES = {Phase.OPEN: 0, Phase.DISORDER: 1, Phase.REDUCING: 2, Phase.RECOVERY: 3, Phase.LOSS: 4}
_PACKED = [field for field in FIELDS if field.since <= "2.6.16"]  # later members can be filled in part only
_LAYOUT = struct.Struct("=" + "".join(field.code for field in _PACKED))


def tcp_info(endpoint: Endpoint, now: float) -> dict[str, int]:
    """The members of tcp_info that the endpoint can fill, with the kernel's names and units."""
    sender, agreement = endpoint.sender, endpoint.agreement
    board, window, rtt, recovery = sender.board, sender.window, sender.rtt, sender.recovery
    options = 1 * agreement.timestamps | 2 * agreement.sack | 8 * agreement.ecn
    if agreement.send_scale or agreement.receive_scale:
        options |= 4
    return {
        "state": STATES[endpoint.state],
        "ca_state": _PHASES[recovery.phase],
        "snd_cwnd": window.cwnd,
        "snd_ssthresh": window.ssthresh,
        "unacked": board.out,
        "sacked": board.sacked,
        "lost": board.lost,
        "retrans": board.resent,
        "total_retrans": sender.retransmissions,
        "rtt": round(rtt.srtt * 1e6),
        "rttvar": round(rtt.rttvar * 1e6),
        "rto": round(rtt.timeout * 1e6),
        "min_rtt": 0 if isinf(rtt.minimum) else round(rtt.minimum * 1e6),
        "backoff": rtt.backoff,
        "snd_mss": sender.mss,
        "advmss": endpoint.settings.mss,
        "reordering": max(-(-recovery.rack.widest // sender.mss), DUPLICATES),
        "notsent_bytes": sender.unsent,
        "last_data_recv": round(1000 * (now - _last_data(endpoint))),
        "options": options,
        "snd_wscale": agreement.send_scale,
        "rcv_wscale": agreement.receive_scale,
    }


def pack_info(endpoint: Endpoint, now: float) -> bytes:
    """The structure of Linux 2.6.16, 104 bytes; members that the endpoint cannot fill are 0."""
    values = tcp_info(endpoint, now)
    values["window_scales"] = values["snd_wscale"] | values["rcv_wscale"] << 4
    return _LAYOUT.pack(*(min(values.get(field.name, 0), _LARGEST[field.code]) for field in _PACKED))


_LARGEST = {"B": 0xFF, "I": 0xFFFFFFFF}


def _last_data(endpoint: Endpoint) -> float:
    """Return when data last arrived; before the first data, when the handshake ended."""
    receiver = endpoint.receiver
    return receiver.heard_at if isinf(receiver.last_data_at) else receiver.last_data_at
