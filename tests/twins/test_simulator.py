"""The compiled modules of TCP and of its simulator do what their sources do: same seed, same packets, same reasons."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright._native import compiled
from tests.support.simulated import digest, story

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not compiled(), reason="compiled modules are in wheels: python -m tools.installed"),
]
sizes = st.sampled_from([0, 1, 1000, 30_000, 300_000])
often = st.sampled_from([0.0, 0.0, 0.0, 0.003, 0.03, 0.2])
endpoints = st.fixed_dictionaries(
    {},
    optional={
        "mss": st.sampled_from([536, 1460, 8960]),
        "receive_buffer": st.sampled_from([4000, 65536, 1 << 20]),
        "send_buffer": st.sampled_from([3000, 1 << 20]),
        "window_scale": st.sampled_from([None, 0, 7]),
        "timestamps": st.booleans(),
        "sack": st.booleans(),
        "ecn": st.sampled_from(["off", "accept", "ask"]),
        "congestion": st.sampled_from(["reno", "cubic", "cubic-rfc9438", "bbr"]),
        "hystart": st.sampled_from(["linux", "rfc9406", "off"]),
        "pacing": st.booleans(),
        "nodelay": st.booleans(),
        "frto": st.booleans(),
        "tail_loss_probe": st.booleans(),
        "user_timeout": st.sampled_from([None, 3.0]),
    },
)
paths = st.fixed_dictionaries(
    {"delay": st.sampled_from([0.0, 0.001, 0.03, 0.4]), "loss": often},
    optional={
        "jitter": st.sampled_from([0.001, 0.05]),
        "rate": st.sampled_from([1e5, 1e7, 1e9]),
        "queue": st.sampled_from([20_000, 200_000]),
        "reorder": often,
        "duplicate": often,
        "corrupt": often,
        "mtu": st.sampled_from([600, 1500]),
        "mark_above": st.sampled_from([10_000]),
    },
)
cases = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32),
        "size": sizes,
        "answer": sizes,
        "client": endpoints,
        "server": endpoints,
        "there": paths,
        "back": paths,
    }
)


@pytest.fixture(scope="module")
def pure() -> Iterator[Callable[[dict[str, Any]], str]]:
    """The digest of a case by the sources, in a process of their own."""
    command = [sys.executable, "-m", "tests.support.simulated"]
    environment = {**os.environ, "NETWRIGHT_PURE": "1"}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def ask(case: dict[str, Any]) -> str:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(case) + "\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        yield ask
        assert process.stdin is not None
        process.stdin.close()


@given(case=cases)
def test_any_path_and_settings_give_the_same_story(pure: Callable[[dict[str, Any]], str], case: dict[str, Any]) -> None:
    assert digest(case) == pure(case)


def test_story_tells_losses_and_reasons(pure: Callable[[dict[str, Any]], str]) -> None:
    """What is compared above has something to differ in."""
    lossy = {"delay": 0.01, "loss": 0.05}
    case = {"seed": 1, "size": 300_000, "answer": 0, "client": {}, "server": {}, "there": lossy, "back": lossy}
    told = "\n".join(story(case))
    assert "lost on the path" in told
    assert "a later one has arrived" in told
    assert pure(case) != pure({**case, "seed": 2})
