import pytest

from netwright.watch import exact, wireshark
from netwright.watch.engine import FLAGS
from netwright.watch.verdicts import EXACT, MEANINGS, NAMES, WIRESHARK, Mode

_CALLED = {  # names of the machine's bits that are not the verdict's
    "retransmission": "AGAIN",
    "tail_loss_probe": "PROBE",
    "zero_window_probe": "WINDOW_PROBE",
    "keep_alive": "KEEPALIVE",
}


@pytest.mark.parametrize("name", EXACT)
def test_every_exact_name_stands_at_its_bit(name: str) -> None:
    assert 1 << NAMES["exact"].index(name) == getattr(exact, _CALLED.get(name, name.upper()))


@pytest.mark.parametrize("name", WIRESHARK)
def test_every_wireshark_name_stands_at_its_bit(name: str) -> None:
    assert 1 << NAMES["wireshark"].index(name) == getattr(wireshark, name.upper())


@pytest.mark.parametrize("mode", NAMES)
def test_names_fit_the_counters_and_meanings_fit_the_screen(mode: Mode) -> None:
    assert len(NAMES[mode]) <= FLAGS
    assert all(0 < len(meaning) <= 42 for meaning in MEANINGS[mode].values())
