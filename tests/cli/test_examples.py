"""The examples of --help."""

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from netwright.cli.examples import EXAMPLES
from netwright.cli.group import COMMANDS, netwright
from tests.support.program import Program

APP = """
from netwright import App
app = App("tour")

@app.get("/")
async def home(request) -> str:
    return "hello"

def make_app() -> App:
    return app
"""


def test_every_command_has_examples_and_shows_them() -> None:
    for name in COMMANDS:
        assert "Examples:\n  " in CliRunner().invoke(netwright, [name, "--help"]).output
    for name, lines in EXAMPLES.items():
        output = CliRunner().invoke(netwright, [name, "--help"], terminal_width=200).output
        assert all(f"  {line}\n" in output for line in lines)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "package").mkdir()
    (tmp_path / "package/module.py").write_text(APP)
    run = [sys.executable, "-m", "netwright", "demo", "--size", "10k", "--pcap", "capture.pcap"]
    subprocess.run(run, cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


@pytest.mark.real
@pytest.mark.parametrize("line", [line for name in EXAMPLES for line in EXAMPLES[name] if name != "serve"])
def test_example_runs(directory: Path, line: str) -> None:
    """top finds no console here: that, too, is an answer with its exit code."""
    line = line.replace("netwright", f"{shlex.quote(sys.executable)} -m netwright", 1)
    line = re.sub(r"(netwright top)", r"\1 --console 127.0.0.1:1", line)
    line = re.sub(r"\$\(netwright", f"$({sys.executable} -m netwright", line)
    line = re.sub(r"fish \| source$", "fish", line)
    done = subprocess.run(["bash", "-c", line], cwd=directory, capture_output=True, text=True, timeout=50, check=False)
    allowed = (3,) if " top " in line else (0, 1) if "doctor" in line else (0,)
    assert done.returncode in allowed, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.real
@pytest.mark.parametrize("line", EXAMPLES["serve"])
def test_example_of_serve_serves(directory: Path, line: str) -> None:
    arguments = shlex.split(line)[1:]
    if "--bind" in arguments:
        arguments[arguments.index("--bind") + 1] = "0.0.0.0:0"
    else:
        arguments += ["--bind", "127.0.0.1:0"]
    with Program(*arguments, "--no-console", directory=str(directory)) as program:
        program.wait_line(r"◆ tour  http://127.0.0.1:\d+")
        program.signal(signal.SIGTERM)
        assert program.end() == 0
