"""netwright.proto.tcp.state."""

import pytest

from netwright.core.errors import UsageError
from netwright.proto.tcp.state import NEXT, SYNCHRONIZED, TAKES_DATA, State, Step, step


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("what", Step)
def test_step_moves_or_names_the_caller_for_every_pair(state: State, what: Step) -> None:
    """RFC 9293 §3.3.2: figure 5 has these transitions and no other."""
    if (state, what) in NEXT:
        assert step(state, what) is NEXT[state, what]
    else:
        with pytest.raises(UsageError, match=state.value):
            step(state, what)


def test_every_state_is_reached_from_closed_and_leads_back() -> None:
    """RFC 9293 §3.3.2: no state is an island, none is a trap."""

    def reachable(edges: list[tuple[State, State]]) -> set[State]:
        found = {State.CLOSED}
        while more := {end for start, end in edges if start in found} - found:
            found |= more
        return found

    edges = [(before, after) for (before, _), after in NEXT.items()]
    assert reachable(edges) == set(State)
    assert reachable([(after, before) for before, after in edges]) == set(State)


def test_sets_of_states_are_those_of_the_rfc() -> None:
    """RFC 9293 §3.3.2 (synchronized) and §3.10.7.4, seventh check (text is taken)."""
    assert len(SYNCHRONIZED) == 7
    assert set(TAKES_DATA) < SYNCHRONIZED


def test_closing_takes_both_fins_in_either_order() -> None:
    """RFC 9293 §3.6 cases 1 to 3."""
    established = State.ESTABLISHED
    assert _walk(established, Step.CLOSE, Step.ACK_OF_FIN, Step.FIN) is State.TIME_WAIT
    assert _walk(established, Step.CLOSE, Step.FIN, Step.ACK_OF_FIN) is State.TIME_WAIT
    assert _walk(established, Step.FIN, Step.CLOSE, Step.ACK_OF_FIN) is State.CLOSED


def _walk(state: State, *steps: Step) -> State:
    for what in steps:
        state = step(state, what)
    return state
