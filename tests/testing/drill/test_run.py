from pathlib import Path

import pytest

from netwright.core.moment import Kind, Moment
from netwright.testing.drill.outcome import Verdict
from netwright.testing.drill.run import drill

SCRIPTS = sorted(Path("tests/corpora/drill").glob("*.drill"))
HANDSHAKE = Path("tests/corpora/drill/handshake.drill").read_text()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_endpoint_does_what_the_script_says(path: Path) -> None:
    """Each script names its rule."""
    outcome = drill(path.read_text())
    assert outcome.verdict is Verdict.PASSED, str(outcome)


@pytest.mark.parametrize(
    ("there", "planted", "told"),
    [
        ("> . 1:1(0) ack 101", "> . 1:1(0) ack 100", "acknowledgement 101, 100 expected"),
        ("> P. 1:2501(2500)", "> P. 1:2502(2501)", "nothing was sent"),
        ("wscale 8>", "wscale 8,TS val 1 ecr 0>", "timestamps None"),
        ("= 100", "= 99", "read returned 100, 99 expected"),
        ("tcpi_snd_cwnd == 10", "tcpi_snd_cwnd == 14", "tcpi_snd_cwnd=10"),
        ("> F. 2501", "> . 2501", "flags differ"),
        ("   +0 > . 2502", "  +.5 > . 2502", "1.0000 expected"),
    ],
)
def test_script_that_says_otherwise_fails_with_both_values(there: str, planted: str, told: str) -> None:
    assert there in HANDSHAKE
    outcome = drill(HANDSHAKE.replace(there, planted))
    assert outcome.verdict is Verdict.FAILED
    assert told in outcome.reason


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("+0 splice(4, NULL, 6, NULL, 99, 0) = 99", "call splice"),
        ("+0 < icmp unreachable frag_needed mtu 1200 [1:1461(1460)]", "not a TCP segment"),
        ("+0 %{ import os }%", "Import"),
        ("+0 %{ assert open('/etc/passwd') }%", "Call"),
        ("+0 `ip route add 10.0.0.0/8 dev tun0`", "command"),
        ("hello", "not a script"),
    ],
)
def test_script_that_needs_more_is_unsupported_not_failed(line: str, told: str) -> None:
    outcome = drill(HANDSHAKE + line + "\n")
    assert outcome.verdict is Verdict.UNSUPPORTED
    assert told in outcome.reason


def test_sysctls_and_the_scripts_own_syn_set_the_host() -> None:
    syn = "+0 > S 0:0(0) <mss 1400>"
    text = "`sysctl -q net.ipv4.tcp_sack=0 net.ipv4.tcp_timestamps=0`\n0 socket(..., SOCK_STREAM, 6) = 3\n"
    assert drill(f"{text}+0 connect(3, ..., ...) = 0\n{syn}\n").reason.startswith("at 0.0040 s: connect of line 3")
    assert drill(f"{text}+0 fcntl(3, F_SETFL, O_NONBLOCK) = 0\n+0 connect(3, ..., ...) = ...\n{syn}\n").reason == ""


def test_moments_tell_the_endpoints_reasons() -> None:
    moments: list[Moment] = []
    drill(HANDSHAKE, watch=moments.append)
    assert Kind.STATE in {moment.kind for moment in moments}
