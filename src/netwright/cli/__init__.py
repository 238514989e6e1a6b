"""The command line: ``netwright``, ``nw``, ``python -m netwright``.  A command is imported when it is called."""

import sys

import netwright

__all__ = ["main"]


def main() -> None:
    """Run the command that ``sys.argv`` names; ends the process."""
    try:
        if sys.argv[1:] == ["--version"]:  # without click: half the time to the answer
            sys.stdout.write(f"netwright {netwright.__version__}\n")
            return
        from netwright.cli.group import netwright as group

        group(prog_name="netwright")
    except KeyboardInterrupt:  # while click itself was imported
        sys.exit(130)
