"""States of a connection and the table of their transitions (RFC 9293 §3.3.2, figure 5).

``step`` is the only way from one state to the next.  A test checks every pair of the table.
"""

from enum import Enum
from typing import Final

from netwright.core.errors import UsageError

__all__ = [
    "CLOSED",
    "ESTABLISHED",
    "NEXT",
    "SYNCHRONIZED",
    "SYN_RECEIVED",
    "SYN_SENT",
    "TAKES_DATA",
    "State",
    "Step",
    "step",
]


class State(Enum):
    """The states of RFC 9293 §3.3.2."""

    CLOSED = "CLOSED"
    LISTEN = "LISTEN"
    SYN_SENT = "SYN-SENT"
    SYN_RECEIVED = "SYN-RECEIVED"
    ESTABLISHED = "ESTABLISHED"
    FIN_WAIT_1 = "FIN-WAIT-1"
    FIN_WAIT_2 = "FIN-WAIT-2"
    CLOSE_WAIT = "CLOSE-WAIT"
    CLOSING = "CLOSING"
    LAST_ACK = "LAST-ACK"
    TIME_WAIT = "TIME-WAIT"


# Module constants for the hot path: looking up an enum's member is ten times slower than a module's name.
CLOSED: Final = State.CLOSED
SYN_SENT: Final = State.SYN_SENT
SYN_RECEIVED: Final = State.SYN_RECEIVED
ESTABLISHED: Final = State.ESTABLISHED


class Step(Enum):
    """Causes of a transition: a call of the user, a segment of the peer, time."""

    CONNECT = "active open"
    LISTEN = "passive open"
    SYN = "SYN received"
    SYN_ACK = "SYN,ACK received"
    ACK_OF_SYN = "ACK of our SYN received"
    CLOSE = "close"
    ACK_OF_FIN = "ACK of our FIN received"
    FIN = "FIN received"
    END = "reset, abort or timeout"


_S = State
NEXT: dict[tuple[State, Step], State] = {
    (_S.CLOSED, Step.CONNECT): _S.SYN_SENT,  # RFC 9293 §3.10.1
    (_S.CLOSED, Step.LISTEN): _S.LISTEN,  # §3.10.1
    (_S.LISTEN, Step.SYN): _S.SYN_RECEIVED,  # §3.10.7.2
    (_S.LISTEN, Step.CLOSE): _S.CLOSED,  # §3.10.4
    (_S.SYN_SENT, Step.SYN_ACK): _S.ESTABLISHED,  # §3.10.7.3
    (_S.SYN_SENT, Step.SYN): _S.SYN_RECEIVED,  # simultaneous open, §3.5 figure 8
    (_S.SYN_SENT, Step.CLOSE): _S.CLOSED,  # §3.10.4
    (_S.SYN_RECEIVED, Step.ACK_OF_SYN): _S.ESTABLISHED,  # §3.10.7.4; a close waits until then (§3.10.4)
    (_S.ESTABLISHED, Step.CLOSE): _S.FIN_WAIT_1,  # §3.6 case 1
    (_S.ESTABLISHED, Step.FIN): _S.CLOSE_WAIT,  # §3.6 case 2
    (_S.FIN_WAIT_1, Step.ACK_OF_FIN): _S.FIN_WAIT_2,  # §3.6 case 1
    (_S.FIN_WAIT_1, Step.FIN): _S.CLOSING,  # simultaneous close, §3.6 case 3
    (_S.FIN_WAIT_2, Step.FIN): _S.TIME_WAIT,  # §3.6 case 1
    (_S.CLOSE_WAIT, Step.CLOSE): _S.LAST_ACK,  # §3.6 case 2
    (_S.CLOSING, Step.ACK_OF_FIN): _S.TIME_WAIT,  # §3.6 case 3
    (_S.LAST_ACK, Step.ACK_OF_FIN): _S.CLOSED,  # §3.6 case 2
    **{(state, Step.END): _S.CLOSED for state in State if state is not _S.CLOSED},  # §3.10.5, §3.10.7.4, §3.10.8
}

SYNCHRONIZED = frozenset(State) - {_S.CLOSED, _S.LISTEN, _S.SYN_SENT, _S.SYN_RECEIVED}  # RFC 9293 §3.3.2
# A tuple, because it compares members by identity; a set would call the enum's __hash__ in Python.
TAKES_DATA: Final = (_S.ESTABLISHED, _S.FIN_WAIT_1, _S.FIN_WAIT_2)  # the peer may still send (§3.10.7.4, seventh)


def step(state: State, what: Step) -> State:
    """Return the next state.

    Raises:
        UsageError: the table has no such transition.  The endpoint never causes this.
    """
    following = NEXT.get((state, what))
    if following is None:
        raise UsageError(f"{what.value} in {state.value}", reference="RFC 9293 §3.3.2")
    return following
