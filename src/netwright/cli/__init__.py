"""The command line: ``netwright``, ``nw``, ``python -m netwright``.  A command is imported when it is called."""

import os
import sys
from contextlib import suppress

import netwright

__all__ = ["main"]


def main() -> None:
    """Run the command that ``sys.argv`` names; ends the process."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed (``>&-``); the file that is opened takes the free number
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115
    try:
        if sys.argv[1:] == ["--version"]:  # without click: half the time to the answer
            with suppress(OSError):  # which the group reports
                print(f"netwright {netwright.__version__}", flush=True)  # noqa: T201
                return
        from netwright.cli.group import netwright as group

        group(prog_name="netwright")
    except KeyboardInterrupt:  # while click itself was imported
        sys.exit(130)
