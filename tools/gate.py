"""``make lint``: every checker that needs no test, two at a time, one line each with its time and its last word."""

import sys
from pathlib import Path

from tools.steps import Step, run_all

BIN = Path(sys.executable).parent
CHECKERS = (  # the longest first
    ("mypy",),
    ("lint-imports",),
    ("deptry", "src"),
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("tools.budgets",),
    ("tools.pyx_layers",),
    ("tools.mirror",),
)


def step(name: str, *arguments: str) -> Step:
    """Return a step for a program beside this interpreter, or for a module of tools."""
    command = [sys.executable, "-m", name] if name.startswith("tools.") else [str(BIN / name), *arguments]
    return Step(" ".join((name, *arguments)), command)


if __name__ == "__main__":
    sys.exit(run_all([step(*checker) for checker in CHECKERS], at_once=2, last_line=True))
