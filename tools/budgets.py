"""Budgets that no linter checks: lines of a file, lines of a function, suppressions per thousand lines of ``src``."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

FILE, FUNCTION, SUPPRESSIONS = 600, 60, 2.0
_SUPPRESSION = re.compile(r"#\s*(?:noqa|type:\s*ignore)")
_STATIC = (".js", ".css", ".html")


def long_functions(path: Path) -> Iterator[str]:
    """Functions over the budget, docstring included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION:
                yield f"{path}:{node.lineno} {node.name}: {lines} lines, {FUNCTION} allowed"


def problems() -> Iterator[str]:
    """One line a broken budget; tests count for the length of files only."""
    total = suppressed = 0
    for path in sorted(Path().glob("[!.]*/**/*")):
        if path.suffix not in (".py", *_STATIC) or "build" in path.parts:
            continue
        lines = path.read_text().splitlines()
        if len(lines) > FILE:
            yield f"{path}: {len(lines)} lines, {FILE} allowed"
        if path.parts[0] == "src" and path.suffix == ".py":
            total += len(lines)
            suppressed += sum(bool(_SUPPRESSION.search(line)) for line in lines)
            yield from long_functions(path)
    rate = 1000 * suppressed / max(total, 1)
    print(f"budgets: {suppressed} suppressions in {total} lines of src, {rate:.1f} per 1,000")  # noqa: T201  # a checker's output
    if rate > SUPPRESSIONS and suppressed > 2:
        yield f"{rate:.1f} suppressions per 1,000 lines, {SUPPRESSIONS} allowed"


def main() -> int:
    """Print the problems; 1 if there are any."""
    found = list(problems())
    print(*found, sep="\n", end="\n" if found else "")  # noqa: T201  # a checker's output
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
