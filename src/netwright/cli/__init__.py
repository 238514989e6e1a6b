"""The command line: ``netwright``, ``nw``, ``python -m netwright``.  A command is imported when it is called."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command that ``sys.argv`` names; ends the process."""
    try:
        if sys.argv[1:] == ["--version"]:  # without click: half the time to the answer
            from netwright import __version__

            sys.stdout.write(f"netwright {__version__}\n")
            return
        from netwright.cli.group import netwright

        netwright(prog_name="netwright")
    except KeyboardInterrupt:  # while click itself was imported
        sys.exit(130)
