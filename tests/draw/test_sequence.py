from xml.etree import ElementTree

import pytest

from netwright.core.errors import UsageError
from netwright.draw.sequence import Acknowledgement, Sent, time_sequence
from netwright.draw.svg import TONES

SVG = "{http://www.w3.org/2000/svg}"


def test_resent_segment_is_red_and_says_why() -> None:
    document = time_sequence(
        [Sent(0, 0, 1000), Sent(0.1, 1000, 2000), Sent(0.3, 0, 1000, "RTO")],
        [Acknowledgement(0.2, 0, 5000, ((1000, 2000),)), Acknowledgement(0.4, 2000, 7000)],
        title="A to B",
    )
    root = ElementTree.fromstring(document)
    colours = [node.attrib.get("stroke") for node in root.iter(f"{SVG}line")]
    assert (colours.count(TONES["bad"]), colours.count(TONES["data"]), colours.count(TONES["control"])) == (1, 2, 1)
    assert "RTO" in {node.text for node in root.iter(f"{SVG}text")}


def test_nothing_sent_is_the_callers_mistake() -> None:
    with pytest.raises(UsageError):
        time_sequence([], [], title="")


def test_words_do_not_smear_and_bytes_have_a_prefix() -> None:
    sent = [Sent(0, 0, 1_000_000), Sent(10, 1_000_000, 2_000_000)]
    again = [Sent(5 + number / 100, 0, 1000, "RTO") for number in range(20)]
    document = time_sequence([*sent, *again], [], title="A to B")
    words = [node.text for node in ElementTree.fromstring(document).iter(f"{SVG}text")]
    assert words.count("RTO") == 1
    assert "2 M" in words
    assert not any("e+" in (word or "") for word in words)
