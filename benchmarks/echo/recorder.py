"""Claim: the summary of every connection, always on, takes at most 2 % of an echo's user instructions."""

import sys
from collections.abc import Iterator

from benchmarks.support.callgrind import instructions_per_message
from benchmarks.support.claim import Claim, SkipError, run, say
from benchmarks.support.measure import ours
from benchmarks.support.process import server_command

CONNECTIONS, SIZE, MESSAGES = 50, 64, 5000
KERNEL = "_record."  # the shared object of the native record


def measure() -> Iterator[Claim]:
    """The same echo twice: all instructions, and those inside the record's kernel."""
    command = server_command(ours(), "echo")
    record = instructions_per_message(command, CONNECTIONS, SIZE, MESSAGES, inside=KERNEL)
    if not record:
        raise SkipError("no native record here: the portable engine's summary is Python among Python")
    whole = instructions_per_message(command, CONNECTIONS, SIZE, MESSAGES)
    say(f"echo, {SIZE} B, {CONNECTIONS} connections: {record:.0f} of {whole:,.0f} user instructions are the summary's")
    yield Claim("echo.recorder, user instructions per message", record, whole, 0.02)


if __name__ == "__main__":
    sys.exit(run(measure))
