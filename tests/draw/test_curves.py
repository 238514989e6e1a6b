from xml.etree import ElementTree

import pytest

from netwright.core.errors import UsageError
from netwright.draw.curves import PLOT, Curve, Mark, curves

SVG = "{http://www.w3.org/2000/svg}"


def test_stepped_curve_holds_its_value() -> None:
    document = curves([Curve("cwnd", [(0, 10), (1, 20)], stepped=True)], unit="segments", title="window")
    (line,) = ElementTree.fromstring(document).iter(f"{SVG}polyline")
    points = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
    assert len(points) == 3
    assert points[0][1] == points[1][1]
    assert points[1][0] == points[2][0]


def test_names_unit_and_marks_are_written() -> None:
    document = curves([Curve("cwnd", [(0, 1), (1, 2)])], unit="segments", title="window", marks=[Mark(0.5, "RTO")])
    told = {node.text for node in ElementTree.fromstring(document).iter(f"{SVG}text")}
    assert {"cwnd", "segments", "window", "RTO"} <= told


def test_no_point_is_the_callers_mistake() -> None:
    with pytest.raises(UsageError):
        curves([Curve("cwnd", [])], unit="", title="")


def test_marks_close_together_have_one_word() -> None:
    marks = [Mark(0.5 + number / 1000, "loss") for number in range(30)] + [Mark(0.9, "recovery")]
    document = curves([Curve("cwnd", [(0, 1), (1, 2)])], unit="segments", title="window", marks=marks)
    assert (document.count(">loss<"), document.count(">recovery<")) == (1, 1)


def test_a_mark_outside_the_curves_is_inside_the_picture() -> None:
    document = curves(
        [Curve("cwnd", [(1.0, 1.0), (2.0, 2.0)])], unit="", title="", marks=[Mark(0.0, "a"), Mark(5.0, "b")]
    )
    left, _, right, _ = PLOT
    marks = [node for node in ElementTree.fromstring(document).iter(f"{SVG}line") if node.get("stroke-dasharray")]
    assert [float(node.get("x1", "")) for node in marks] == [left, right]
