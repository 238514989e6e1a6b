"""States of the two directions of an HTTP/1.1 connection and the table of their transitions (RFC 9112 §9).

``step`` is the only way from one state to the next.  A test checks every pair of the table.
"""

from enum import Enum
from typing import TypeVar

from netwright.core.errors import UsageError

__all__ = ["NEXT", "Reading", "Step", "Writing", "step"]


class Reading(Enum):
    """The part of a message that the next byte from the peer belongs to."""

    HEAD = "head"
    BODY = "body"
    DONE = "nothing until next_message"
    SWITCHED = "another protocol"
    CLOSED = "nothing: the peer ended its direction, or was refused"

    __hash__ = object.__hash__  # members are compared by identity; Enum's hash is a Python function


class Writing(Enum):
    """The part of a message that this side may send next."""

    HEAD = "head"
    BODY = "body"
    DONE = "nothing until next_message"
    SWITCHED = "another protocol"

    __hash__ = object.__hash__


class Step(Enum):
    """Causes of a transition: a part of a message, the end of the peer's direction, a fault."""

    INTERIM = "interim head"
    HEAD = "head"
    WHOLE = "whole message"
    DATA = "content"
    END = "end"
    NEXT = "next message"
    SWITCH = "switch to another protocol"
    FIN = "end of the peer's direction"
    REFUSAL = "refusal"

    __hash__ = object.__hash__


_R, _W = Reading, Writing
State = TypeVar("State", bound=Reading | Writing)
NEXT: dict[tuple[Reading | Writing, Step], Reading | Writing] = {
    (_R.HEAD, Step.INTERIM): _R.HEAD,  # RFC 9110 §15.2: the final head is still to come
    (_R.HEAD, Step.HEAD): _R.BODY,
    (_R.HEAD, Step.WHOLE): _R.DONE,  # RFC 9112 §6.3 rules 1, 2, 7: a head without content
    (_R.BODY, Step.DATA): _R.BODY,
    (_R.BODY, Step.END): _R.DONE,
    (_R.DONE, Step.NEXT): _R.HEAD,  # §9.3
    (_R.DONE, Step.SWITCH): _R.SWITCHED,  # RFC 9110 §7.8: only behind the whole message
    (_R.HEAD, Step.FIN): _R.CLOSED,  # §9.6
    (_R.DONE, Step.FIN): _R.CLOSED,
    (_R.CLOSED, Step.FIN): _R.CLOSED,
    (_R.HEAD, Step.REFUSAL): _R.CLOSED,
    (_R.BODY, Step.REFUSAL): _R.CLOSED,
    (_W.HEAD, Step.INTERIM): _W.HEAD,  # RFC 9110 §15.2
    (_W.HEAD, Step.HEAD): _W.BODY,
    (_W.HEAD, Step.WHOLE): _W.DONE,
    (_W.BODY, Step.DATA): _W.BODY,
    (_W.BODY, Step.END): _W.DONE,
    (_W.DONE, Step.NEXT): _W.HEAD,  # §9.3
    (_W.HEAD, Step.SWITCH): _W.SWITCHED,  # a server's 101 takes the place of the response
    (_W.DONE, Step.SWITCH): _W.SWITCHED,  # a client has sent its request whole
}


def step(state: State, what: Step) -> State:
    """Return the next state.

    Raises:
        UsageError: the table has no such transition: the caller sends or reads out of order.
    """
    following = NEXT.get((state, what))
    if following is None:
        raise UsageError(f"{what.value} where {state.value} belongs", reference="RFC 9112 §2.1, §9.3")
    return following  # type: ignore[return-value]  # the table never leads from one direction to the other
