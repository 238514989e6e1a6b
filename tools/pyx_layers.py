"""import-linter does not read ``.pyx``: the same layers and forbidden modules for imports and cimports of kernels."""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

SRC = Path("src")
_IMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+c?import|c?import\s+([\w., ]+))", re.MULTILINE)


def contracts() -> tuple[dict[str, int], set[str], set[str]]:
    """Floor of each package (0 is the roof), packages that do no I/O, and the modules forbidden to them."""
    rules = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(rule for rule in rules if rule["type"] == "layers")["layers"]
    floors = {name.strip(" ()"): floor for floor, line in enumerate(layers) for name in line.split("|")}
    pure = next(rule for rule in rules if rule["type"] == "forbidden")
    return floors, {name.split(".")[1] for name in pure["source_modules"]}, set(pure["forbidden_modules"])


def imported(source: str) -> Iterator[str]:
    """Names of the modules that a kernel's source imports."""
    for match in _IMPORT.finditer(source):
        yield from (name.split(" as ")[0].strip() for name in (match[1] or match[2]).split(","))


def problems(root: Path = SRC) -> Iterator[str]:
    """One line an import that points up, sideways or out of a pure package."""
    floors, pure, forbidden = contracts()
    for path in sorted(root.rglob("*.pyx")) + sorted(root.rglob("*.pxd")):
        own = path.relative_to(root).parts[1]
        for name in imported(path.read_text()):
            parts = name.split(".")
            other = parts[1] if parts[0] == "netwright" and len(parts) > 1 else own
            if other != own and floors[other] <= floors[own]:
                yield f"{path}: netwright.{own} may not import {name}: imports point down"
            if own in pure and parts[0] in forbidden:
                yield f"{path}: netwright.{own} does no I/O and may not import {name}"


def main() -> int:
    """Print the problems; 1 if there are any."""
    found = list(problems())
    print(*found or ["pyx_layers: kernels keep the layers"], sep="\n")  # noqa: T201  # a checker's output
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
