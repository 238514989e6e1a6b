"""User instructions per message, counted by valgrind's callgrind: the same on a busy machine as on an idle one.

Counting starts when the connections are there and warm, and stops before they close: only echoes are in it.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.support.claim import SkipError, say
from benchmarks.support.measure import Measured
from benchmarks.support.process import Server, server_command
from benchmarks.support.programs import Load, hold, load

__all__ = ["counted", "counted_load", "counting", "instruction_table", "instructions", "instructions_per_message"]

_COST = re.compile(r"[+*\-\d]\S* (\d+)$")  # position, instructions


def instructions(libraries: Iterable[str], mode: str, connections: int, size: int, messages: int) -> Measured[float]:
    """User instructions per message of each library that this machine has; the others are named on stderr."""
    found: Measured[float] = Measured()
    for library in libraries:
        try:
            found[library] = instructions_per_message(server_command(library, mode), connections, size, messages)
        except SkipError as reason:
            sys.stderr.write(f"{library}: {reason}\n")
    return found


def instructions_per_message(
    command: list[str], connections: int, size: int, messages: int, *, inside: str = ""
) -> float:
    """Start the server under callgrind, echo ``messages``, and read how many instructions that took.

    With ``inside`` only those of the shared object whose name contains it, and of what it calls.

    Raises:
        SkipError: valgrind is not here, or the server did not start.
    """
    return counted(command, connections, size, messages, inside=inside)[0]


def counted(
    command: list[str], connections: int, size: int, messages: int, *, inside: str = "", mode: str = "hold"
) -> tuple[float, Load]:
    """The same, and what the load generator saw meanwhile: how much slower the program runs under callgrind.

    Raises:
        SkipError: valgrind is not here, or the server did not start.
    """
    if shutil.which("valgrind") is None:
        raise SkipError("no valgrind: apt-get install valgrind")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind.out"
        watched = _under_callgrind(command, out)
        with (
            Server(watched) as server,
            hold(server.port, connections=connections, size=size, count=messages, mode=mode) as held,
        ):
            held.echo()
            _control(server.pid, "-i", "on")
            done = held.echo()
            _control(server.pid, "-i", "off")
            _control(server.pid, "-d", "messages")
        dumps = [dump.read_text(encoding="utf-8", errors="replace") for dump in sorted(out.parent.iterdir())]
        count = (lambda dump: inside_of(dump, inside)) if inside else total
        return sum(map(count, dumps)) / done.messages, done


def counted_load(command: list[str], mode: str, connections: int, size: int, messages: int) -> float:
    """User instructions per message of a load whose connections come and go; the second such load is counted.

    Raises:
        SkipError: valgrind is not here, or the server did not start.
    """
    if shutil.which("valgrind") is None:
        raise SkipError("no valgrind: apt-get install valgrind")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind.out"
        with Server(_under_callgrind(command, out)) as server:
            load(mode, server.port, connections=connections, size=size, count=messages)
            _control(server.pid, "-i", "on")
            done = load(mode, server.port, connections=connections, size=size, count=messages)
            _control(server.pid, "-i", "off")
            _control(server.pid, "-d", "messages")
        return sum(total(dump.read_text(encoding="utf-8", errors="replace")) for dump in out.parent.iterdir()) / (
            done.messages or done.connections
        )


@contextmanager
def counting(command: list[str]) -> Iterator[tuple[Server, Callable[[Callable[[], int]], float]]]:
    """A server under callgrind, and a function that does work and returns the user instructions per unit of it.

    Raises:
        SkipError: valgrind is not here, or the server did not start.
    """
    if shutil.which("valgrind") is None:
        raise SkipError("no valgrind: apt-get install valgrind")
    with tempfile.TemporaryDirectory() as folder, Server(_under_callgrind(command, Path(folder) / "out")) as server:

        def count(work: Callable[[], int]) -> float:
            earlier = set(Path(folder).iterdir())
            _control(server.pid, "-i", "on")
            done = work()
            _control(server.pid, "-i", "off")
            _control(server.pid, "-d", "work")
            dumps = set(Path(folder).iterdir()) - earlier
            return sum(total(dump.read_text(encoding="utf-8", errors="replace")) for dump in dumps) / done

        yield server, count


def _under_callgrind(command: list[str], out: Path) -> list[str]:
    program = ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", "--compress-strings=no"]
    program.append(f"--callgrind-out-file={out}")
    setting = ["env", "PYTHONHASHSEED=0"]
    return [*command[:2], *setting, *program, *command[2:]] if command[0] == "env" else [*setting, *program, *command]


def _control(pid: int, *arguments: str) -> None:
    subprocess.run(["callgrind_control", *arguments, str(pid)], check=True, capture_output=True, timeout=60)


def total(dump: str) -> int:
    found = re.search(r"^totals: (\d+)", dump, re.MULTILINE)
    return int(found[1]) if found else 0


def inside_of(dump: str, name: str) -> int:
    """Own cost of an object's functions, and of the calls that leave it (Callgrind format specification, "calls=")."""
    found, here, called, is_call = 0, False, False, False
    for line in dump.splitlines():
        if line.startswith("ob="):
            here = called = name in line
        elif line.startswith("cob="):
            called = name in line
        elif line.startswith("calls="):
            is_call = True
        elif here and (cost := _COST.match(line)):
            found += 0 if is_call and called else int(cost[1])
            is_call, called = False, here
        elif _COST.match(line):
            is_call = False
    return found


def instruction_table(title: str, found: dict[str, float]) -> None:
    """Print the counts, the smallest first."""
    say(f"{title}\n{'':20} {'user instructions per message':>30}")
    for library, count in sorted(found.items(), key=lambda item: item[1]):
        say(f"{library:20} {count:30,.0f}")
