import gzip
import io
import json
import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from netwright.cli import watch
from netwright.cli.watch import EXAMPLES, WIDTH, command, describe
from netwright.core.address import InetAddress
from netwright.watch.capture import Capture, open_capture
from netwright.watch.flow import State
from netwright.watch.judged import JudgedSegment
from netwright.watch.verdicts import NAMES
from tests.support.frames import SYN, pcap, tcp
from tests.support.talk import Talk

PROGRAM = [sys.executable, "-m", "netwright", "watch"]


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


def run(*arguments: object, given: bytes = b"") -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments], input=given)


def test_report_has_sums_meanings_and_connections(capture: Path) -> None:
    result = run(capture)
    assert result.exit_code == 0
    assert result.output == (
        "6 packets in 0.420 s, 6 of them TCP, 1 connection\n"
        "2,000 bytes of data, 1,000 of them sent again\n"
        "\n"
        "         1  retransmission           sent again by its sender\n"
        "         1  tail loss probe          … as a tail loss probe\n"
        "\n"
        "#0  10.0.0.1:40000 → 10.0.0.2:80  open, captured at: client\n"
        "    0.420 s  rtt 20.010 ms  sent 2.0 kB  received 0 B  1 retransmission\n"
    )


def test_segments_are_listed_with_frame_and_verdict(capture: Path) -> None:
    lines = run("--segments", capture).output.splitlines()
    assert lines[:8] == [
        "  frame      seconds  conn   flags         seq    len  verdict",
        "      1     0.000000     0 → S               0      0  ordinary",
        "      2     0.020000     0 ← SA              0      0  ordinary",
        "      3     0.020010     0 → A               1      0  ordinary",
        "      4     0.100000     0 → A               1   1000  ordinary",
        "      5     0.400000     0 → A               1   1000  retransmission, tail loss",
        f"{'probe':>60}",
        "      6     0.420000     0 ← A               1      0  ordinary",
    ]
    assert lines[9:] == run(capture).output.splitlines()


def test_segments_of_one_connection_can_be_picked(tmp_path: Path) -> None:
    path = tmp_path / "two.pcap"
    path.write_bytes(pcap([(at, tcp(f"10.0.0.1:{port}", flags=SYN)) for at, port in ((0, 1), (5, 2), (9, 1))]))
    lines = run("--segments", "--flow", "1", path).output.splitlines()
    assert [line[:7].strip() for line in lines[1:3]] == ["2", ""]
    assert run("--flow", "1", path).exit_code == 2


def test_segments_as_json_are_lines_and_the_report_comes_last(capture: Path) -> None:
    *segments, report = [json.loads(line) for line in run("--segments", "--json", capture).output.splitlines()]
    assert [segment["frame"] for segment in segments] == [1, 2, 3, 4, 5, 6]
    assert segments[4]["verdicts"] == ["retransmission", "tail_loss_probe"]
    assert report == json.loads(run("--json", capture).output)


def test_json_is_the_whole_report(capture: Path) -> None:
    report = json.loads(run(capture, "--json", "--mode", "wireshark").output)
    assert (report["mode"], report["packets"], len(report["flows"])) == ("wireshark", 6, 1)
    assert report["unreadable"] == {}


def test_damaged_file_is_judged_as_far_as_it_goes_and_exits_1(capture: Path) -> None:
    capture.write_bytes(capture.read_bytes()[:-10])
    result = run(capture)
    assert result.exit_code == 1
    assert "Damaged: the file is cut behind byte" in result.output
    assert "5 packets" in result.output


def test_packets_of_a_foreign_link_type_are_named_and_exit_1(tmp_path: Path) -> None:
    path = tmp_path / "wifi.pcap"
    for link, name in ((105, " (802.11)"), (999, "")):
        path.write_bytes(pcap([(0, b"x"), (0, b"x")], link=link))
        result = run(path)
        assert f"2 packets of link type {link}{name}, which cannot be read." in " ".join(result.output.split())
        assert result.exit_code == 1


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [(None, 3, "No such file"), (b"hello, world, hello", 2, "begins with bytes 68 65 6c 6c"), (b"", 2, "empty")],
)
def test_file_that_is_no_capture_is_named(tmp_path: Path, content: bytes | None, code: int, told: str) -> None:
    path = tmp_path / "x"
    if content is not None:
        path.write_bytes(content)
    result = run(path)
    assert result.exit_code == code
    assert told in result.output
    assert str(path) in result.output


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_dash_is_standard_input(capture: Path, pack: type[bytes]) -> None:
    assert run("-", given=pack(capture.read_bytes())).output == run(capture).output
    assert "standard input: empty" in run("-").output


def test_stop_by_the_keyboard_exits_130(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Capture, "analyse", interrupted)
    result = run(capture)
    assert (result.exit_code, result.output) == (130, "netwright: stopped before the end of the capture\n")


@pytest.mark.parametrize("arguments", [[], ["--segments"], ["--segments", "--json"], ["--flows", "1000"]])
def test_text_fits_80_columns(tmp_path: Path, arguments: list[str]) -> None:
    talk = Talk().handshake()
    for number in range(12):
        talk.client(100 + 400 * number, 0, 0, 1400)
    hosts = ["192.168.100.101:65535", "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:65535"]
    ends = ["192.168.100.100:10000", "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:fffe]:10000"]
    frames = [
        (10**13 * at, tcp(a, b, seq=9, data=bytes(9), flags=SYN))
        for at in (1, 2)
        for a, b in zip(hosts, ends, strict=True)
    ]
    path = tmp_path / "wide.pcap"
    path.write_bytes(pcap([*talk.frames, *frames])[:-1])
    if "--json" not in arguments:
        assert max(map(len, run(*arguments, path).output.splitlines())) <= WIDTH


@pytest.mark.parametrize("width", [60, 70, 79])
def test_report_fits_a_narrow_terminal_and_loses_nothing(width: int) -> None:
    talk = Talk().handshake()
    talk.client(100, 0, 0, 1400).client(300, 0, 0, 1400)
    with open_capture(io.BytesIO(pcap(talk.frames))) as capture:
        report = capture.analyse("exact")
    narrow, wide = (describe(report, 20, columns) for columns in (width, WIDTH))
    assert max(map(len, narrow.splitlines())) <= width
    assert narrow.split() == wide.split()


@pytest.mark.parametrize("verdicts", [NAMES["exact"], NAMES["wireshark"], NAMES["exact"][:3]])
def test_segment_with_many_verdicts_is_wrapped(verdicts: tuple[str, ...]) -> None:
    flags = ("FIN", "SYN", "RST", "PSH", "ACK", "URG")
    ends = InetAddress("10.0.0.1", 1), InetAddress("10.0.0.2", 2)
    big = 2**32 - 1
    segment = JudgedSegment(9_999_999, 99999.0, 65535, *ends, False, big, big, big, big, 65535, flags, verdicts, None)
    lines = watch.segment_lines(segment, 0.0)
    assert max(map(len, lines)) <= WIDTH
    words = " ".join(line[55:] for line in lines).split(", ")
    assert words == [name.replace("_", " ") for name in verdicts]


@pytest.mark.parametrize(
    ("taken", "drawn"),
    [
        (0, "[" + "." * 40 + "]   0% of 2 MB"),
        (1_000_000, "[" + "#" * 20 + "." * 20 + "]  50% of 2 MB"),
        (2_000_000, "[" + "#" * 40 + "] 100% of 2 MB"),
        (2_000_001, "[" + "#" * 40 + "] 100% of 2 MB"),
        (3_000_000, "[" + "#" * 40 + "] 100% of 2 MB"),  # tcpdump wrote on meanwhile
    ],
)
def test_progress_bar_shows_the_share_of_the_file(taken: int, drawn: str) -> None:
    assert watch.bar(taken, 2_000_000) == f"\r{drawn}\x1b[K"


@pytest.mark.real
def test_progress_bar_is_drawn_on_a_terminal_only(capture: Path) -> None:
    code = "import sys; from netwright.cli import watch as w; w._SILENT = w._REDRAW = -1.0; w.command([sys.argv[1]])"
    asked = [sys.executable, "-c", code, str(capture)]
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(asked, check=False, stdout=subprocess.PIPE, stderr=theirs)
        seen = os.read(ours, 4096).decode()
    finally:
        os.close(theirs)
        os.close(ours)
    assert (done.returncode, "100%" in seen, seen.endswith("\r\x1b[K")) == (0, True, True)
    piped = subprocess.run(asked, check=False, capture_output=True)
    assert (piped.stderr, piped.stdout) == (b"", done.stdout)


@pytest.mark.real
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("options", [[], ["--json"], ["--segments"]])
def test_full_disk_is_named_without_a_traceback(capture: Path, options: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        asked = [*PROGRAM, *options, str(capture)]
        done = subprocess.run(asked, check=False, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 3
    assert done.stderr == "netwright: output cannot be written  [NW-OUTPUT]\n  why No space left on device\n"


@pytest.mark.real
def test_reader_that_goes_ends_the_command_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "long.pcap"
    path.write_bytes(pcap([(at, tcp(flags=SYN, seq=at)) for at in range(20_000)]))
    process = subprocess.Popen([*PROGRAM, "--segments", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert (process.stderr.read(), process.wait()) == (b"", 0)
    process.stderr.close()


def test_examples_of_the_help_run(capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trace.pcap").write_bytes(capture.read_bytes())
    (tmp_path / "trace.pcapng.gz").write_bytes(gzip.compress(capture.read_bytes()))
    monkeypatch.chdir(tmp_path)
    help_text = run("--help").output
    for line in EXAMPLES.strip().splitlines():
        assert line in help_text
        *source, ours = line.split("|")
        words = shlex.split(ours)
        assert words[:2] == ["netwright", "watch"]
        result = run(*words[2:], given=capture.read_bytes() if source else b"")
        assert (result.exit_code, "retransmission" in result.output) == (0, True)
    assert max(map(len, help_text.splitlines())) <= WIDTH


GUIDE = Path("docs/captures.md")


@pytest.mark.parametrize(
    "shown", re.findall(r"```console\n\$ netwright watch (.*?)\n(.*?)```", GUIDE.read_text(), re.DOTALL)
)
def test_what_the_guide_shows_is_what_the_command_prints(
    capture: Path, monkeypatch: pytest.MonkeyPatch, shown: tuple[str, str]
) -> None:
    monkeypatch.chdir(capture.parent)
    Path("trace.pcap").write_bytes(capture.read_bytes())
    words, printed = shown
    output = run(*shlex.split(words)).output
    assert output.startswith(printed) if "--segments" in words else output == printed


def test_the_guides_program_runs(
    capture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    monkeypatch.chdir(capture.parent)
    Path("trace.pcap").write_bytes(capture.read_bytes())
    exec(compile(block, str(GUIDE), "exec"), {})
    assert capsys.readouterr().out.splitlines() == [
        "10.0.0.1:40000 10.0.0.2:80 open 1 0.02001",
        "5 10.0.0.1:40000 1 ('retransmission', 'tail_loss_probe')",
    ]


@pytest.mark.parametrize("name", [option for each in command.params for option in each.opts if option.startswith("--")])
def test_every_option_is_in_the_guide(name: str) -> None:
    assert f"| `{name}` |" in GUIDE.read_text()


@pytest.mark.parametrize("word", [*NAMES["exact"], *NAMES["wireshark"], *State])
def test_every_verdict_and_state_is_in_the_guide(word: str) -> None:
    assert f"| `{word}` |" in GUIDE.read_text()
