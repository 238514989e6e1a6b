"""Wireshark's dissector as a judge, run by path: fields of every packet of a capture as rows of text."""

import shutil
import subprocess
from pathlib import Path

import pytest


def fields(path: Path, names: list[str], *options: str) -> list[list[str]]:
    """One row a packet, one column a field, "" where it has none; the last occurrence where there are several."""
    program = shutil.which("tshark")
    if program is None:
        pytest.skip("tshark is not installed")
    columns = [argument for name in names for argument in ("-e", name)]
    command = [program, "-n", "-r", str(path), *options, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=l"]
    done = subprocess.run([*command, *columns], capture_output=True, text=True, check=False, timeout=50)
    return [line.split("\t") for line in done.stdout.splitlines()]
