"""A socket as inet_diag tells it, with what a test cares about; its addresses are those of tests/support/records.py."""

import struct
from ipaddress import ip_address

from netwright.wire.inet_diag import DiagAttribute, DiagSocket
from netwright.wire.tcp_info import FIELDS
from tests.support.records import LOCAL, PEER


def made(
    *, state: int = 1, unread: int = 0, unsent: int = 0, rtt: float = 0.02, rtx: int = 0, **info: int
) -> DiagSocket:
    """``info`` takes the kernel's own fields in the kernel's own units."""
    told = {"state": state, "rtt": round(rtt * 1e6), "total_retrans": rtx, "snd_cwnd": 10, "segs_out": 100, **info}
    raw = b"".join(struct.pack(f"={field.code}", told.get(field.name, 0)) for field in FIELDS)
    return DiagSocket(
        family=2,
        state=state,
        timer=0,
        retransmits=0,
        source=ip_address(LOCAL.host).packed,
        source_port=LOCAL.port,
        destination=ip_address(PEER.host).packed,
        destination_port=PEER.port,
        interface=0,
        cookie=0,
        expires=0.0,
        receive_queue=unread,
        send_queue=unsent,
        uid=0,
        inode=1,
        attributes={DiagAttribute.INFO: raw, DiagAttribute.CONGESTION: b"cubic\0"},
    )
