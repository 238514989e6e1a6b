"""Answers to unacceptable segments, where the RFCs leave a choice or implementations follow an older one.

``RFC_5961``, the default, is RFC 9293 with RFC 5961, as in Linux.  ``RFC_793`` is how TCP answered before RFC 5961.
"""

from dataclasses import dataclass

from netwright.proto.tcp.copying import Reduced, reduced

__all__ = ["RFC_793", "RFC_5961", "Policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Each field is a rule that some TCP implementations follow and others do not.

    Attributes:
        strict_rst: RST ends a connection only at RCV.NXT, elsewhere in the window it is challenged (RFC 5961 §3.2);
            False: anywhere in the window (RFC 793 §3.4, net.inet.tcp.insecure_rst).
        rst_before_fin: RST at the number of the peer's FIN, which is one before RCV.NXT, counts, too (Linux; some TCPs
            send it so after their FIN); False: it is outside the window (RFC 9293 §3.5.3).
        strict_syn: SYN in a connection is challenged (RFC 5961 §4.2); False: in the window it resets the connection,
            with a RST for the peer (RFC 793 §3.9, net.inet.tcp.insecure_syn).
        reuse_time_wait: a SYN beyond RCV.NXT, or with a newer timestamp, opens a new connection out of TIME-WAIT
            (RFC 9293 §3.10.7.4 MAY-2, RFC 6191); False: it is answered as any other.
        spare_time_wait: RST does not end TIME-WAIT (RFC 1337 §3, net.ipv4.tcp_rfc1337); False: at RCV.NXT it does.
        time_wait_needs_ack: in TIME-WAIT what is neither ACK nor SYN is dropped (BSD; RFC 9293 §3.10.7.4, fifth, for
            what is in the window); False: it is acknowledged (Linux).
        drop_syn_fin: SYN with FIN opens nothing (Linux in LISTEN, net.inet.tcp.drop_synfin; RFC 9293 is silent);
            False: it is a SYN, and its FIN is ignored.
        repeat_fin: the acknowledgement of a FIN that crosses ours carries our FIN again (BSD); False: it goes alone.
        repeat_syn_soon: in SYN-SENT, after a segment that acknowledges something else, the first repetition of the SYN
            follows within 8 ms: the peer had an old connection, which our RST has ended (Linux); False: the SYN is
            repeated when its timer expires (BSD; RFC 9293 §3.10.7.3 is silent).
        take_beyond_field: what the buffer has room for is in the window, though the field without window scale can
            not say so (BSD); False: what was advertised (RFC 9293 §3.8.6).
    """

    strict_rst: bool = True
    rst_before_fin: bool = True
    strict_syn: bool = True
    reuse_time_wait: bool = True
    spare_time_wait: bool = False
    time_wait_needs_ack: bool = False
    drop_syn_fin: bool = True
    repeat_fin: bool = False
    repeat_syn_soon: bool = True
    take_beyond_field: bool = False

    def __reduce__(self) -> Reduced:
        return reduced(self)


RFC_5961 = Policy()
RFC_793 = Policy(strict_rst=False, strict_syn=False)
