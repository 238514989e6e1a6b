from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.draw.svg import Canvas, Labels, Scale, figure, seconds, ticks


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), st.integers(1, 12))
def test_ticks_are_within_the_range_in_order_and_few(low: float, span: float, count: int) -> None:
    found = ticks(low, low + span, count)
    slack = span * 1e-3 + abs(low) * 1e-9
    assert all(low - slack <= tick <= low + span + slack for tick in found)
    assert found == sorted(found)
    assert len(found) <= count + 2


def test_ticks_are_round() -> None:
    assert ticks(0, 10, 5) == [0, 2, 4, 6, 8, 10]
    assert ticks(3, 3, 5) == [3]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 s"),
        (1.25, "1.25 s"),
        (0.084, "84 ms"),
        (0.00012, "120 µs"),
        (1, "1 s"),
        (0.999, "999 ms"),
        (0.001, "1 ms"),
        (0.000999, "999 µs"),
    ],
)
def test_duration_has_the_unit_that_people_use(value: float, text: str) -> None:
    assert seconds(value) == text


def test_empty_range_maps_to_the_middle() -> None:
    assert Scale(5, 5, 0, 10)(5) == 5
    assert Scale(0, 10, 0, 100)(5) == 50


def test_document_is_xml_and_words_are_escaped() -> None:
    canvas = Canvas(10, 10, 'a "title" & <more>')
    canvas.text(0, 0, "<script>&")
    canvas.rect(0, 0, 1, 1, tone="bad", tip="a < b")
    root = ElementTree.fromstring(canvas.render())
    assert [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")] == ["<script>&"]
    assert root.attrib["aria-label"] == 'a "title" & <more>'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1 k"),
        (1500, "1.5 k"),
        (2e6, "2 M"),
        (-2.5e6, "-2.5 M"),
        (3e9, "3 G"),
        (0.25, "0.25"),
    ],
)
def test_numbers_of_an_axis_have_a_prefix_instead_of_an_exponent(value: float, text: str) -> None:
    assert figure(value) == text


def test_labels_do_not_overlap() -> None:
    labels = Labels()
    assert [labels.has_room(x, "loss") for x in (0, 10, 36, 37, 60, 74)] == [True, False, False, True, False, True]
