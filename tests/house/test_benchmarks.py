"""The benchmarks' own parts: a claim judges, the load counts what it sends, figures are of the right process."""

import json
import shutil

import pytest
from benchmarks.support.callgrind import inside_of, instructions_per_message, total
from benchmarks.support.claim import Claim, SkipError, conclude, run
from benchmarks.support.machine import describe
from benchmarks.support.process import Server, server_command
from benchmarks.support.programs import hold, load

compiler = pytest.mark.skipif(not (shutil.which("cc") or shutil.which("gcc")), reason="no C compiler")


@pytest.mark.parametrize(("ours", "met"), [(1.0, True), (3.5, True), (3.6, False)])
def test_claim_is_met_up_to_its_goal(ours: float, met: bool, capsys: pytest.CaptureFixture[str]) -> None:
    assert conclude([Claim("x", ours, 10.0, 0.35)]) == int(not met)
    line = json.loads(capsys.readouterr().out)
    assert line["met"] is met
    assert list(line) == ["name", "ours", "peer", "ratio", "goal", "met", "machine"]


def test_one_missed_claim_of_several_is_missed(capsys: pytest.CaptureFixture[str]) -> None:
    assert conclude([Claim("bad", 2.0, 1.0, 1.0), Claim("good", 1.0, 2.0, 1.0)]) == 1
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_run_says_why_it_skips(capsys: pytest.CaptureFixture[str]) -> None:
    def measure() -> list[Claim]:
        raise SkipError("no valgrind")

    assert run(measure) == 0
    assert json.loads(capsys.readouterr().out) == {"skipped": "no valgrind"}


def test_machine_names_interpreter_kernel_and_congestion_control() -> None:
    assert describe().startswith("CPython 3.")
    assert "congestion control" in describe()


@compiler
@pytest.mark.real
@pytest.mark.parametrize("library", ["c", "asyncio-streams", "asyncio-protocol"])
@pytest.mark.parametrize("mode", ["echo", "line"])
def test_load_counts_messages_and_bytes_that_came_back(library: str, mode: str) -> None:
    with Server(server_command(library, mode)) as server:
        done = load("echo", server.port, connections=7, size=100, count=500)
    assert (done.messages, done.bytes) == (500, 50_000)
    assert done.errors == 0
    assert 0 < done.p50 <= done.p99 < done.seconds


@compiler
@pytest.mark.real
@pytest.mark.parametrize(("server_mode", "load_mode"), [("lines", "pipe"), ("sink", "pipe"), ("echo", "accept")])
def test_server_cpu_grows_with_the_load(server_mode: str, load_mode: str) -> None:
    with Server(server_command("asyncio-streams", server_mode)) as server:
        before = server.cpu()
        done = load(load_mode, server.port, connections=4, size=64, seconds=0.3)
        used = server.cpu() - before
    assert done.messages > 100
    assert 0 < used.total < 1.5


@compiler
@pytest.mark.real
def test_held_connections_are_open_while_the_body_runs() -> None:
    with Server(server_command("asyncio-streams", "echo")) as server:
        with hold(server.port, connections=50, count=70) as held:
            assert held.first.messages == held.first.connections == 50
            with hold(server.port, connections=1) as more:
                assert more.first.messages == 1
            assert [held.echo().messages for _ in range(3)] == [70, 70, 70]
        assert load("echo", server.port, connections=1, count=1).messages == 1


def test_server_that_cannot_start_skips_with_its_own_words() -> None:
    with pytest.raises(SkipError, match="netwright-absent"):
        Server([shutil.which("echo") or "echo", "benchmarks", "netwright-absent"])


CALLGRIND = """\
events: Ir

ob=/lib/libpython.so
fn=evaluate
10 100
cob=/x/_record.so
cfn=count_in
calls=5 3
+2 70

ob=/x/_record.so
fn=count_in
3 40
cob=/x/_record.so
cfn=helper
calls=5 9
4 10
cob=/lib/libc.so
cfn=clock
calls=5 1
* 20
fn=helper
9 10
totals: 170
"""


def test_callgrind_cost_of_an_object_is_its_own_and_that_of_calls_that_leave_it() -> None:
    """Callgrind format: the line after "calls=" is the inclusive cost of the call, not of the caller."""
    assert total(CALLGRIND) == 170
    assert inside_of(CALLGRIND, "_record.") == 40 + 20 + 10
    assert inside_of(CALLGRIND, "libpython") == 170
    assert inside_of(CALLGRIND, "absent") == 0


@compiler
@pytest.mark.real
@pytest.mark.skipif(not shutil.which("valgrind"), reason="no valgrind")
def test_instructions_of_an_echo_in_c_are_tens_per_message() -> None:
    found = instructions_per_message(server_command("c", "echo"), 5, 64, 500)
    assert 20 < found < 1000
    assert instructions_per_message(server_command("c", "echo"), 5, 64, 500, inside="libc") < found
