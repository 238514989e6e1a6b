"""The last resort of a process; ``tests/cli/test_serve.py`` has it at work."""

import subprocess
import sys

import pytest


def ended(program: str) -> tuple[int, str, str]:
    head = "import threading, time, sys\nfrom netwright.cli.ending import end_within, exit_now\n"
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
            "left at work: thread t\n",
        ),
        (
            "end_within(0.1, 4); sys.stdout.write('out'); time.sleep(60)",
            4,
            "out",
            "still at work 0.1 s after the end: stopped\n",
        ),
        ("end_within(0.1, 4).cancel(); time.sleep(0.3)", 0, "", ""),
    ],
)
def test_process_ends_though_something_works(program: str, code: int, said: str, warned: str) -> None:
    assert ended(program) == (code, said, warned)
