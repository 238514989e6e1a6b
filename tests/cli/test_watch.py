import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from netwright.cli.watch import command
from tests.support.frames import pcap
from tests.support.talk import Talk


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """A handshake, data, the same data again 300 ms later, its acknowledgment."""
    talk = Talk()
    talk.handshake()
    talk.client(100, 0, 0, size=1000)
    talk.client(400, 0, 0, size=1000)
    talk.server(420, 0, 1000)
    path = tmp_path / "talk.pcap"
    path.write_bytes(pcap(talk.frames))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_connections_and_verdicts_are_listed(capture: Path) -> None:
    result = run(capture)
    assert result.exit_code == 0
    assert "6 packets, 6 of TCP, 1 connections" in result.output
    assert "2,000 bytes of data, 1,000 of them again" in result.output
    assert "retransmission" in result.output


def test_json_is_the_whole_report(capture: Path) -> None:
    report = json.loads(run(capture, "--json", "--mode", "wireshark").output)
    assert (report["mode"], report["packets"], len(report["flows"])) == ("wireshark", 6, 1)


def test_damaged_file_is_judged_as_far_as_it_goes_and_exits_1(capture: Path) -> None:
    capture.write_bytes(capture.read_bytes()[:-10])
    result = run(capture)
    assert result.exit_code == 1
    assert "damaged: the last record is cut" in result.output
    assert "5 packets" in result.output


@pytest.mark.parametrize(("content", "code", "told"), [(None, 3, "No such file"), (b"hello, world, hello", 2, "pcap")])
def test_file_that_is_no_capture_is_named(tmp_path: Path, content: bytes | None, code: int, told: str) -> None:
    path = tmp_path / "x"
    if content is not None:
        path.write_bytes(content)
    result = run(path)
    assert result.exit_code == code
    assert told in result.output
    assert str(path) in result.output
