from netwright.core.moment import Kind, Moment, Timeline


def test_full_timeline_drops_the_oldest_and_counts_it() -> None:
    timeline = Timeline(2)
    for at in (1.0, 2.0, 3.0):
        timeline.add(Moment(at, Kind.RECEIVED))
    assert [moment.at for moment in timeline] == [2.0, 3.0]
    assert timeline.lost == 1
    assert repr(timeline) == "<Timeline 2 moments, 1 lost>"
