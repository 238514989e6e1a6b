"""Print the requirements of an extra, one a line: ``make dev`` adds them to an install without building it again."""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path


def requirements(extra: str) -> Iterator[str]:
    """What ``netwright[extra]`` needs beyond netwright; an extra named inside is followed."""
    extras = tomllib.loads(Path("pyproject.toml").read_text())["project"]["optional-dependencies"]
    for line in extras[extra]:
        if line.startswith("netwright["):
            yield from requirements(line.partition("[")[2].rstrip("]"))
        else:
            yield line


if __name__ == "__main__":
    print(*requirements(sys.argv[1]), sep="\n")  # noqa: T201  # a tool's output
