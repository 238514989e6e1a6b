from xml.etree import ElementTree

import pytest

from netwright.draw.ladder import Arrow, Note, ladder, ladder_text

ARROWS = [
    Arrow(0.0, None, True, "SYN", "control"),
    Arrow(1.0, 1.02, True, "SYN", "control"),
    Arrow(1.02, 1.04, False, "SYN-ACK", "control"),
]
NOTES = [Note(1.0, False, "RTO after 1 s (RFC 6298 §5.4)"), Note(1.02, True, "SYN queue")]


def words(document: str) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(document).iter("{http://www.w3.org/2000/svg}text")]


def test_every_arrow_note_and_time_is_there_once() -> None:
    told = words(ladder(ARROWS, NOTES, left="client", right="server", title="lost SYN"))
    assert told.count("SYN") == 2
    assert told.count("SYN-ACK") == 1
    assert told.count("1.0000 s") == 1
    assert {"client", "server", "lost SYN", "RTO after 1 s (RFC 6298 §5.4)", "SYN queue", "1.0200 s"} <= set(told)


def test_terminal_form_tells_loss_and_flight_time() -> None:
    lines = ladder_text(ARROWS, NOTES, left="client", right="server").splitlines()
    assert lines[1].startswith("  0.0000 s")
    assert lines[1].endswith("✕ lost")
    assert lines[2].endswith("* RTO after 1 s (RFC 6298 §5.4)"), "before what was sent because of it"
    assert "▶  +20 ms" in lines[3]
    assert lines[4].endswith("SYN queue")
    assert "◀" in lines[5]


def test_ladder_without_events_is_two_lines() -> None:
    assert words(ladder([], left="a", right="b")) == ["a", "b"]


@pytest.mark.parametrize(("length", "shown"), [(43, "x" * 43), (44, "x" * 44), (45, "x" * 43 + "…")])
def test_a_note_is_cut_only_where_it_does_not_fit(length: int, shown: str) -> None:
    document = ladder([], [Note(0.0, False, "x" * length)], left="A", right="B")
    assert f">{shown}<" in document


def test_at_one_instant_an_arrival_is_above_the_decision_and_that_above_what_it_sent() -> None:
    """A cause is above its effect."""
    document = ladder(
        [Arrow(1.0, 1.5, True, "data"), Arrow(1.5, 2.0, False, "ACK")], [Note(1.5, True, "why")], left="A", right="B"
    )
    heights = {
        node.text: float(node.get("y", "0"))
        for node in ElementTree.fromstring(document).iter("{http://www.w3.org/2000/svg}text")
    }
    assert heights["data"] < heights["why"] < heights["ACK"]
