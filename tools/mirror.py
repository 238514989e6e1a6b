"""Every module has its test file and every test file its module: src/netwright/a/b.py and tests/a/test_b.py."""

import sys
from collections.abc import Iterator
from pathlib import Path

SRC, TESTS = Path("src/netwright"), Path("tests")
ELSEWHERE = {"support", "twins", "parity", "truth", "textbook", "examples", "corpora", "house", "page"}


def modules() -> Iterator[Path]:
    """Modules that need a test; façades and entry points have nothing of their own."""
    for path in SRC.rglob("*.py"):
        if path.name not in ("__init__.py", "__main__.py"):
            yield path.relative_to(SRC)


def problems() -> Iterator[str]:
    """One line a missing partner; a native kernel's is the twin test of its pure module."""
    wanted = {path.with_name(f"test_{path.name}") for path in modules()}
    for test in sorted(wanted):
        if not (TESTS / test).exists():
            yield f"{SRC / test.parent / test.name.removeprefix('test_')} has no {TESTS / test}"
    for kernel in SRC.rglob("_*.pyx"):
        for partner in (kernel.with_suffix(".pyi"), kernel.with_name(f"{kernel.stem[1:]}.py")):
            if not partner.exists():
                yield f"{kernel} has no {partner}"
        if not (TESTS / "twins" / f"test{kernel.stem}.py").exists():
            yield f"{kernel} has no {TESTS / 'twins' / f'test{kernel.stem}.py'}"
    for path in TESTS.rglob("test_*.py"):
        inside = path.relative_to(TESTS)
        packages = [SRC / inside.parent / "__init__.py", SRC / inside.parent / inside.stem.removeprefix("test_")]
        is_package = inside.stem == "test_init" and packages[0].exists()
        if inside.parts[0] not in ELSEWHERE and inside not in wanted and not is_package:
            yield f"{path} has no {SRC / inside.parent / inside.name.removeprefix('test_')}"


def main() -> int:
    """Print the problems; 1 if there are any."""
    found = list(problems())
    print(*found or ["mirror: every module has its test"], sep="\n")  # noqa: T201  # a checker's output
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
