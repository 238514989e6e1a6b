"""A hook that hangs is named while it hangs."""

import functools
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from netwright.run import hooks
from netwright.run.hooks import HookWatch, place_of_hook


def slow() -> None:
    """Stands for a hook."""


def slower() -> None:
    """Stands for the next one."""


def test_place_is_name_file_and_line_whatever_wraps_the_function() -> None:
    @functools.wraps(slow)
    def wrapped() -> None:
        slow()

    where = f"slow ({__file__}:{slow.__code__.co_firstlineno})"
    assert place_of_hook(slow) == place_of_hook(wrapped) == place_of_hook(functools.partial(slow)) == where
    assert place_of_hook(list) == "list"


@pytest.mark.real
def test_hook_is_reported_again_and_again_but_more_and_more_rarely(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hooks, "FIRST", 0.05)
    monkeypatch.setattr(hooks, "LOOK", 0.005)
    with HookWatch(lambda: slow) as watch:
        until = time.monotonic() + 20
        while len(caplog.messages) < 3:
            assert time.monotonic() < until
            time.sleep(0.005)  # a thread works meanwhile
        assert watch.describe().startswith("hook slow (")
    assert all(message.startswith("waiting for hook slow (") for message in caplog.messages)
    times = [record.created for record in caplog.records]
    assert times[2] - times[1] > times[1] - times[0]


class Hours:
    """Time that passes only while the watching thread waits."""

    def __init__(self, end: float) -> None:
        self.now, self.end = 0.0, end

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return self.now > self.end


def test_hook_is_reported_at_twice_the_time_each_and_the_next_hook_from_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A hook that hangs for an hour costs a dozen lines; the one after it is reported as early as the first."""
    hours = Hours(end=45.0)
    monkeypatch.setattr(hooks, "LOOK", 0.5)
    monkeypatch.setattr(hooks, "time", SimpleNamespace(monotonic=lambda: hours.now))
    watched: list[Callable[[], None]] = []
    made = SimpleNamespace(Event=lambda: hours, Thread=lambda target, **_: watched.append(target))
    monkeypatch.setattr(hooks, "threading", made)
    HookWatch(lambda: slow if hours.now < 30 else slower)
    watched[0]()
    told = [(message.split()[3], message.split(", ")[1]) for message in caplog.messages]
    assert told == [
        *(("slow", f"{seconds} s so far; Ctrl-C stops") for seconds in ("1.5", "3.0", "6.0", "12.0", "24.0")),
        *(("slower", f"{seconds} s so far; Ctrl-C stops") for seconds in ("1.5", "3.0", "6.0", "12.0")),
    ]


def test_no_hook_is_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with HookWatch(lambda: None) as watch:
        assert watch.describe() == ""
    assert not caplog.messages
