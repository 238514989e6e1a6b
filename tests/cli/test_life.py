"""The life of one connection in the terminal."""

from typing import Any

import pytest

from netwright.cli.life import life
from netwright.console.answers import connection
from netwright.console.store import Store
from netwright.proto.feed import Batch, Hello
from tests.support.records import values


def answer(**changes: Any) -> dict[str, Any]:
    store = Store()
    store.join(Hello(7, "app.py", "native", "3.11", now=100.0, wall=1100.0), 1100.0)
    kernel = {"state": 1, "rtt": 0.13, "snd_cwnd": 10, "total_retrans": 2}
    record = values(number=1, service="echo", started_at=100.0, opened_at=100.0, kernel=kernel, **changes)
    store.merge(7, Batch(104.0, [record], [], {}, 0), 1104.0)
    found = connection(store, "7.1", 1104.0)
    assert found is not None
    return found


def test_life_says_who_how_long_where_the_time_went_and_what_the_kernel_saw() -> None:
    text = "\n".join(life(answer(waiting="peer to read", waiting_since=100.0, bytes_in=1500), 0))
    assert text.startswith("7.1  10.0.0.7:50000 → 127.0.0.1:8000\n")
    assert "open for 4.0 s" in text
    assert "in 1.5 kB, out 0 B" in text
    assert "waits for: peer to read" in text
    assert "  100 %    4.0 s  ████████████████████" in text
    assert "rtt 130 ms, snd_cwnd 10, total_retrans 2" in text


@pytest.mark.parametrize("width", [40, 60, 80])
def test_life_fits_and_steers_no_terminal(width: int) -> None:
    lines = life(answer(outcome="reset", closed_at=103.0, text="\x1b[2J" + "x" * 200), width)
    assert max(map(len, lines)) <= width
    assert all(line.isprintable() for line in lines)
    assert any(line.startswith("why it ended: ") for line in lines)
    assert any("lived 3.0 s" in line for line in lines)


def test_bars_end_where_a_narrow_terminal_does_and_no_threshold_is_infinite() -> None:
    found = answer(waiting="peer to read", waiting_since=100.0)
    found["kernel"]["snd_ssthresh"] = 0x7FFFFFFF  # TCP_INFINITE_SSTHRESH
    found["ledger"][0]["cause"] = "unacknowledged (RTT or loss)"
    lines = life(found, 60)
    (bar,) = [line for line in lines if "█" in line]
    assert bar.endswith("███")
    assert len(bar) <= 60
    assert "snd_ssthresh infinite" in "\n".join(lines)
