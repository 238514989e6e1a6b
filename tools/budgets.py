"""Budgets that no linter checks: long files, long functions, squeezed code, suppressions per thousand lines of ``src``.

A file's length is a question, not a fault: one of more than LONG lines answers it in its first docstring or comment,
after the words "One responsibility:", and is listed each time.  ``# fmt: skip`` and ``fmt: off`` are refused, for what
they save is lines, not thoughts.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

LONG, FUNCTION, SUPPRESSIONS = 600, 60, 2.0
_ANSWER = re.compile(r"One responsibility:\s+\S+(?:\s+\S+){4,}")  # five words at least
_SQUEEZED = re.compile(r"#\s*fmt:\s*(?:skip|off)\b")
_SUPPRESSION = re.compile(r"#\s*(?:noqa|type:\s*ignore)")
_STATIC = (".js", ".css", ".html")


def long_functions(path: Path) -> Iterator[str]:
    """Functions over the budget, docstring included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION:
                yield f"{path}:{node.lineno} {node.name}: {lines} lines, {FUNCTION} allowed"


def first_words(path: Path, text: str) -> str:
    """Return a module's docstring, or the comment at the beginning of another file."""
    if path.suffix == ".py":
        return ast.get_docstring(ast.parse(text)) or ""
    return text.split("\n\n", 1)[0]


def squeezed(path: Path, text: str) -> Iterator[str]:
    """Yield the comments that keep the formatter away."""
    if path.suffix != ".py" or "fmt:" not in text:
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and _SQUEEZED.match(token.string):
            yield f"{path}:{token.start[0]} {token.string}: the formatter decides"


def problems() -> Iterator[str]:
    """Yield one line for each broken budget; tests count for files and squeezed code only."""
    total = suppressed = 0
    long: list[str] = []
    for path in sorted(Path().glob("[!.]*/**/*")):
        if path.suffix not in (".py", *_STATIC) or "build" in path.parts:
            continue
        text = path.read_text()
        lines = text.splitlines()
        if len(lines) > LONG:
            long.append(f"{path} {len(lines)}")
            if not _ANSWER.search(first_words(path, text)):
                yield f'{path}: {len(lines)} lines: split it, or say in its first words "One responsibility: ..."'
        yield from squeezed(path, text)
        if path.parts[0] == "src" and path.suffix == ".py":
            total += len(lines)
            suppressed += sum(bool(_SUPPRESSION.search(line)) for line in lines)
            yield from long_functions(path)
    rate = 1000 * suppressed / max(total, 1)
    said = f"; long files: {', '.join(long)}" if long else ""
    print(f"budgets: {suppressed} suppressions in {total} lines of src, {rate:.1f} per 1,000{said}")  # noqa: T201  # a checker's output
    if rate > SUPPRESSIONS and suppressed > 2:
        yield f"{rate:.1f} suppressions per 1,000 lines, {SUPPRESSIONS} allowed"


def main() -> int:
    """Print the problems; 1 if there are any."""
    found = list(problems())
    print(*found, sep="\n", end="\n" if found else "")  # noqa: T201  # a checker's output
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
