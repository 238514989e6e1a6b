"""User instructions of our own engine, verb by verb; the same on a busy machine as on an idle one.

python -m benchmarks.echo.instructions [native|portable]

Printed for a comparison of two commits: there is no peer here and no goal.
"""

import sys

from benchmarks.support.callgrind import counted_load, instruction_table, instructions_per_message
from benchmarks.support.claim import SkipError, say
from benchmarks.support.process import server_command

CONNECTIONS, SIZE, MESSAGES = 50, 64, 5000
ACCEPTS, LINES = 500, 500_000


def main() -> int:
    """Chunks echoed, lines echoed, lines read in batches, connections accepted; and the record's part of an echo."""
    library = f"netwright:{sys.argv[1] if sys.argv[1:] else 'native'}"
    try:
        found = {
            "echo": instructions_per_message(server_command(library, "echo"), CONNECTIONS, SIZE, MESSAGES),
            "line": instructions_per_message(server_command(library, "line"), CONNECTIONS, SIZE, MESSAGES),
            "line in a batch": counted_load(server_command(library, "lines"), "pipe", 1, SIZE, LINES),
            "accept": counted_load(server_command(library, "echo"), "accept", 20, 1, ACCEPTS),
            "record": instructions_per_message(
                server_command(library, "echo"), CONNECTIONS, SIZE, MESSAGES, inside="_record."
            ),
        }
    except SkipError as reason:
        say(f"skipped: {reason}")
        return 0
    instruction_table(library, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
