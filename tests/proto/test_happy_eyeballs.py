"""RFC 8305, section by section, in made-up time."""

from hypothesis import given
from hypothesis import strategies as st

from netwright.proto.happy_eyeballs import OTHER, PREFERRED, Exhausted, HappyEyeballs, Start, Stop, Won

REFUSED = ConnectionRefusedError()


def test_preferred_family_starts_at_once_when_its_answer_is_first() -> None:
    """§3: a positive AAAA response starts a connection immediately."""
    race = HappyEyeballs[str]()
    assert race.resolved(PREFERRED, ["a6"], 0.0) == [Start("a6")]
    deadlines = [race.deadline]
    assert race.resolved(OTHER, ["a4"], 0.1) == []
    assert [*deadlines, race.deadline] == [None, 0.25]
    assert race.expire(0.25) == [Start("a4")]


def test_other_family_waits_the_resolution_delay() -> None:
    """§3: 50 ms for the AAAA response after the A response."""
    race = HappyEyeballs[str]()
    assert race.resolved(OTHER, ["a4"], 1.0) == []
    assert race.deadline == 1.05
    assert race.expire(1.05) == [Start("a4")]
    assert race.resolved(PREFERRED, ["a6"], 1.1) == []
    assert race.expire(1.3) == [Start("a6")]


def test_preferred_answer_within_the_delay_goes_first() -> None:
    """§3: ... if it comes in that time, it is preferred."""
    race = HappyEyeballs[str]()
    race.resolved(OTHER, ["a4"], 1.0)
    assert race.resolved(PREFERRED, ["a6"], 1.04) == [Start("a6")]


def test_negative_preferred_answer_ends_the_delay() -> None:
    """§3: a negative AAAA response leaves nothing to wait for."""
    race = HappyEyeballs[str]()
    assert race.resolved(OTHER, ["a4"], 1.0) == []
    assert race.resolved(PREFERRED, [], 1.01) == [Start("a4")]


def test_families_take_turns() -> None:
    """§4: interleaved, First Address Family Count 1."""
    race = HappyEyeballs[str]()
    events = race.resolved(PREFERRED, ["a6", "b6", "c6"], 0.0) + race.resolved(OTHER, ["a4"], 0.0)
    while race.deadline is not None:
        events += race.expire(race.deadline)
    assert events == [Start("a6"), Start("a4"), Start("b6"), Start("c6")]


def test_failure_starts_the_next_at_once() -> None:
    """§5: the delay is for attempts that are still under way."""
    race = HappyEyeballs[str]()
    race.resolved(PREFERRED, ["a6"], 0.0)
    race.resolved(OTHER, ["a4"], 0.0)
    assert race.failed("a6", REFUSED, 0.01) == [Start("a4")]


def test_winner_stops_the_others() -> None:
    """§5: once one connection is established, the others are cancelled."""
    race = HappyEyeballs[str]()
    race.resolved(PREFERRED, ["a6", "b6"], 0.0)
    race.expire(0.25)
    assert race.connected("b6", 0.3) == [Won("b6"), Stop("a6")]
    assert race.connected("a6", 0.3) == [Stop("a6")]
    assert race.failed("a6", REFUSED, 0.4) == []
    assert (race.expire(9.0), race.deadline) == ([], None)


def test_race_is_over_only_when_no_lookup_is_under_way() -> None:
    race = HappyEyeballs[str]()
    race.resolved(PREFERRED, ["a6"], 0.0)
    assert race.failed("a6", REFUSED, 0.1) == []
    assert race.resolved(OTHER, ["a4"], 5.0) == [Start("a4")]
    assert race.failed("a4", REFUSED, 5.1) == [Exhausted()]
    assert race.failures == [("a6", REFUSED), ("a4", REFUSED)]


def test_race_without_addresses_is_over_after_both_answers() -> None:
    race = HappyEyeballs[str]()
    assert race.resolved(PREFERRED, [], 0.0) == []
    assert race.resolved(OTHER, [], 0.0) == [Exhausted()]
    assert "0 to try" in repr(race)


@given(st.data(), st.lists(st.integers(0, 5), max_size=6), st.lists(st.integers(6, 11), max_size=6))
def test_every_address_is_tried_once_or_somebody_wins(data: st.DataObject, sixes: list[int], fours: list[int]) -> None:
    """Whatever happens in whatever order: no address twice, one end, and nothing runs on after a win."""
    race, now = HappyEyeballs[int](), 0.0
    lookups, active = {PREFERRED: sixes, OTHER: fours}, set[int]()
    started: list[int] = []
    ends: list[object] = []
    while lookups or active or race.deadline is not None:
        now += data.draw(st.sampled_from((0.0, 0.01, 0.3)))
        choices = [*(("resolve", family) for family in lookups), *(("end", address) for address in sorted(active))]
        if (race.deadline is not None and race.deadline <= now) or not choices:
            assert race.deadline is not None
            now = max(now, race.deadline)
            events = race.expire(now)
        else:
            what, which = data.draw(st.sampled_from(choices))
            if what == "resolve":
                events = race.resolved(which, lookups.pop(which), now)
            elif data.draw(st.booleans()):
                active.discard(which)
                events = race.connected(which, now)
            else:
                active.discard(which)
                events = race.failed(which, REFUSED, now)
        for event in events:
            match event:
                case Start(address):
                    started.append(address)
                    active.add(address)
                case Stop(address):
                    active.discard(address)
                case Won() | Exhausted():
                    ends.append(event)
                    lookups.clear()
    assert len(ends) == 1
    assert len(started) == len(set(started))
    if ends == [Exhausted()]:
        assert set(started) == {*sixes, *fours}
