"""netwright.cli.demo: a simulated transfer on the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from netwright.cli import demo
from netwright.cli.demo import command
from netwright.sim.trace import Trace
from netwright.watch.capture import analyse


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_it_tells_handshake_losses_and_teardown() -> None:
    result = run("--size", "300k", "--loss", "2%", "--story", 5)
    assert result.exit_code == 0
    for text in ("SYN-SENT → ESTABLISHED", "recovery", "TIME-WAIT", "300,000 bytes in", "more decisions (--story)"):
        assert text in result.output


def test_numbers_are_one_object_and_a_seed_repeats_them() -> None:
    first, second = (json.loads(run("--json", "--seed", 7).output) for _ in range(2))
    assert first == second
    assert first != json.loads(run("--json", "--seed", 8).output)
    assert first["bytes"] == 1_000_000
    assert first["state"] == "TIME-WAIT"


def test_capture_and_picture_are_of_the_same_run(tmp_path: Path) -> None:
    pcap, picture = tmp_path / "run.pcapng", tmp_path / "run.html"
    result = run("--json", "--loss", "1%", "--pcap", pcap, "--picture", picture)
    assert analyse(pcap).totals["retransmission"] == json.loads(result.stdout)["retransmitted"]
    assert "<svg" in picture.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--loss", "2x"], "'2x' is not a probability: a number, then one of %"),
        (["--rate", "fast"], "'fast' is not a rate"),
        (["--delay", "-1"], "'-1' is not a time"),
        (["--size", "0"], "1 to 1073741824 bytes allowed"),
        (["--size", "2G"], "1 to 1073741824 bytes allowed"),
        (["--loss", "101%"], "loss=1.01"),
        (["--pcap", "/nowhere/x"], "/nowhere/x cannot be written"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code in (2, 3)
    assert said in result.output


def test_a_path_that_loses_everything_ends_with_the_truth() -> None:
    """RFC 9293 §3.8.3: SYN is repeated until the setting says stop."""
    result = run("--loss", "100%")
    assert "no answer" in result.output or "never answered" in result.output
    assert "0 bytes" in result.output


def test_a_trace_that_was_full_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "Trace", lambda: Trace(limit=100))
    assert "the trace was full" in run("--size", "200k").output
    assert "the trace was full" not in CliRunner().invoke(command, ["--size", "10k"]).output
