"""A hook that hangs is named while it hangs."""

import functools
import time

import pytest

from netwright.run import hooks
from netwright.run.hooks import HookWatch, place_of_hook


def slow() -> None:
    """Stands for a hook."""


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


def test_no_hook_is_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with HookWatch(lambda: None) as watch:
        assert watch.describe() == ""
    assert not caplog.messages
