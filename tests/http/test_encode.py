import time

import pytest

from netwright.http import encode
from netwright.http.encode import MOST, encode_fields

PLAIN = (("content-type", "text/plain"),)


@pytest.fixture(autouse=True)
def wall(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of day, which a test may move."""
    day = [784111777.5]
    monkeypatch.setattr(time, "time", lambda: day[0])
    monkeypatch.setattr(encode, "_until", 0.0)
    return day


def test_date_is_that_of_the_second(wall: list[float]) -> None:
    """RFC 9110 §5.6.7, §6.6.1."""
    first = encode_fields(PLAIN, 100.0)
    assert first == b"content-type: text/plain\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    wall[0] += 0.49
    assert encode_fields(PLAIN, 100.49) is first
    wall[0] += 0.01
    assert encode_fields(PLAIN, 100.5) == first.replace(b":37", b":38")


def test_date_is_renewed_when_another_clock_is_asked(wall: list[float]) -> None:
    encode_fields((), 100.0)
    wall[0] += 60
    assert encode_fields((), 3.0) == b"date: Sun, 06 Nov 1994 08:50:37 GMT\r\n"


@pytest.mark.parametrize("name", ["date", "Date", "DATE"])
def test_handler_s_own_date_is_the_only_one(name: str) -> None:
    """RFC 9110 §6.6.1: one Date."""
    block = encode_fields(((name, "Mon, 01 Jan 2001 00:00:00 GMT"),), 100.0)
    assert block == f"{name}: Mon, 01 Jan 2001 00:00:00 GMT\r\n".encode()


def test_blocks_made_of_input_do_not_pile_up() -> None:
    encode_fields(PLAIN, 100.0)
    for number in range(3 * MOST):
        encode_fields((("content-type", f"text/x{number}"),), 100.0)
        encode_fields((("location", f"/{number}"),), 100.0)
    assert len(encode._kept) == MOST  # noqa: SLF001  # what is bounded
    assert all(not fields or fields[0][0] == "content-type" for fields in encode._kept)  # noqa: SLF001
