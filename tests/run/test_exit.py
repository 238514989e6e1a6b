"""The last resort of a process; ``tests/cli/test_serve.py`` uses it in a server."""

import subprocess
import sys

import pytest


def ended(program: str) -> tuple[int, str, str]:
    head = "import threading, time, sys\nfrom netwright.run.exit import exit_within, exit_now\n"
    done = subprocess.run(
        [sys.executable, "-c", head + program], check=False, capture_output=True, text=True, timeout=20
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.real
@pytest.mark.parametrize(
    ("program", "code", "said", "warned"),
    [
        ("exit_now(3)", 3, "", ""),
        ("threading.Thread(target=time.sleep, args=(0.1,)).start(); exit_now(3)", 3, "", ""),
        (
            "threading.Thread(target=time.sleep, args=(60,), name='t').start(); sys.stdout.write('out'); exit_now(3)",
            3,
            "out",
            "still running, cut: thread t\n",
        ),
        (
            "exit_within(0.1, 4); sys.stdout.write('out'); time.sleep(60)",
            4,
            "out",
            "still running 0.1 s later, cut: what was left\n",
        ),
        ("exit_within(0.1, 4, lambda: 'hook x'); time.sleep(60)", 4, "", "still running 0.1 s later, cut: hook x\n"),
        ("exit_within(0.1, 4).cancel(); time.sleep(0.3)", 0, "", ""),
    ],
)
def test_process_ends_though_something_works(program: str, code: int, said: str, warned: str) -> None:
    assert ended(program) == (code, said, warned)
