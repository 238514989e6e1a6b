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
    for text in (
        "SYN-SENT → ESTABLISHED",
        "recovery",
        "TIME-WAIT",
        "300,000 bytes delivered in",
        "more decisions (--story)",
    ):
        assert text in result.output


def test_retransmissions_are_numbered() -> None:
    assert ", 1st retransmission, phase recovery" in run("--size", "300k", "--loss", "2%", "--story", 200).output


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
        (["--size", "1.5"], "--size 1.5: whole numbers"),
        (["--rate", "10Mbit"], "'10Mbit' is not a rate"),
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
    for more in ((), ("--json",)):
        result = run("--loss", "100%", *more)
        assert result.exit_code == 1
        assert "0 of 1,000,000 bytes arrived" in result.stderr
        assert "the client's connection ended: SYN was never answered" in result.stderr
        assert "[NW-INPUT]" not in result.stdout
    assert json.loads(result.stdout)["bytes"] == 0


def test_a_path_that_takes_an_hour_ends_with_what_arrived() -> None:
    result = run("--rate", "1k", "--size", "600k", "--story", 0, "--ladder", 0)
    assert result.exit_code == 1
    assert "of 600,000 bytes arrived" in result.stderr
    assert "3,600 virtual seconds are over" in result.stderr


def test_a_path_without_delay_and_rate_has_no_throughput() -> None:
    result = run("--rate", "0", "--delay", "0", "--loss", "0")
    assert result.exit_code == 0
    assert "in no virtual time: the path has neither --delay nor --rate" in result.output
    assert "Mbit/s" not in result.output


@pytest.mark.parametrize(
    "rate", ["10M", "10Mbit/s", "10000k", "10000kbit/s", "10000000", "10000000bit/s", "0.01Gbit/s"]
)
def test_every_unit_that_a_refusal_names_is_taken(rate: str) -> None:
    assert run("--json", "--size", "10k", "--rate", rate).stdout == run("--json", "--size", "10k").stdout


def test_the_server_listened_before_the_syn_came() -> None:
    """RFC 9293 figure 5: its first move is from LISTEN."""
    output = run("--size", "1k").output
    assert "LISTEN → SYN-RECEIVED: SYN received" in output
    assert "CLOSED → LISTEN" not in output


def test_a_trace_that_was_full_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "Trace", lambda: Trace(limit=100))
    assert "the trace was full" in run("--size", "200k").output
    assert "the trace was full" not in CliRunner().invoke(command, ["--size", "10k"]).output
