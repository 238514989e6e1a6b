from netwright.watch import exact, wireshark
from netwright.watch.engine import FLAGS
from netwright.watch.verdicts import EXACT, NAMES, WIRESHARK


def test_names_are_in_the_order_of_the_bits() -> None:
    assert 1 << EXACT.index("timeout") == exact.TIMEOUT
    assert 1 << EXACT.index("not_captured") == exact.NOT_CAPTURED
    assert 1 << EXACT.index("dsack") == exact.DSACK
    assert 1 << WIRESHARK.index("out_of_order") == wireshark.OUT_OF_ORDER
    assert 1 << WIRESHARK.index("reused_ports") == wireshark.REUSED_PORTS


def test_every_mode_s_names_are_different_and_fit_the_counters() -> None:
    for names in NAMES.values():
        assert len(set(names)) == len(names) <= FLAGS
