import pytest

from netwright.core.errors import UsageError
from netwright.proto.http1.state import NEXT, Reading, Step, Writing, step

STATES: list[Reading | Writing] = [*Reading, *Writing]


@pytest.mark.parametrize("what", Step)
@pytest.mark.parametrize("state", STATES)
def test_step_moves_by_the_table_or_blames_the_caller_for_every_pair(state: Reading | Writing, what: Step) -> None:
    """RFC 9112 §9: no pair is undefined, and no step leads from one direction to the other."""
    if (state, what) in NEXT:
        following = step(state, what)
        assert following is NEXT[state, what]
        assert type(following) is type(state)
        return
    with pytest.raises(UsageError) as caught:
        step(state, what)
    assert str(caught.value).startswith(f"{what.value} where {state.value} belongs")


def test_a_message_is_begun_ended_and_followed_by_another() -> None:
    for way in ((Step.INTERIM, Step.HEAD, Step.DATA, Step.END, Step.NEXT), (Step.WHOLE, Step.NEXT)):
        for start in (Reading.HEAD, Writing.HEAD):
            state: Reading | Writing = start
            for what in way:
                state = step(state, what)
            assert state is start


def test_nothing_follows_a_switch_or_a_refusal_but_the_end() -> None:
    """RFC 9110 §7.8."""
    ends = {state for state in STATES if all((state, what) not in NEXT for what in Step if what is not Step.FIN)}
    assert ends == {Reading.SWITCHED, Reading.CLOSED, Writing.SWITCHED}


def test_every_state_is_reached() -> None:
    assert set(NEXT.values()) | {Reading.HEAD, Writing.HEAD} == set(STATES)
