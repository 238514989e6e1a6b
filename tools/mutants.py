"""``make mutants``: plant small faults at random, one at a time, and list those that no test finds.

    python -m tools.mutants [PATH ...] [--since COMMIT] [-n COUNT] [--seed SEED] [--jobs JOBS] [--json FILE]

Each job works on a copy of the tree, so the tree itself never changes.  A fault is tried on the tests nearest to it
first: its mirror test, then its package's tests and the twins, then every test that names its module.  A fault counts
as caught only if the test that failed passes without it.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.faults import Fault, compiles, faults

SRC, COPIES = Path("src"), Path("build/mutants")
SUFFIXES = (".py", ".pyx", ".js")
PYTEST = ("-m", "pytest", "-x", "-q", "--no-header", "--hypothesis-profile=quick", "-m", "not truth", "--timeout=30")
PASSED, FAILED, NOTHING = 0, 1, 5  # pytest's exit codes
COMPILE = """
import sys
from Cython.Build import cythonize
from setuptools import Extension, setup
name = sys.argv[1]
kernel = Extension(name, ["src/" + name.replace(".", "/") + ".pyx"], extra_compile_args=["-O0", "-w", "-fno-strict-aliasing"])
setup(
    name="mutant",
    packages=[],
    ext_modules=cythonize([kernel], language_level=3, build_dir="build/cython", quiet=True),
    script_args=["-q", "build_ext", "--force", "--build-lib", "src", "--build-temp", "build/temp"],
)
"""  # noqa: E501  # one line of a program


@dataclass(frozen=True, slots=True)
class Verdict:
    """``found_by`` is the test that failed, "timeout", or "" for a survivor; an ``invalid`` fault did not build."""

    fault: Fault
    diff: str
    found_by: str
    seconds: float
    invalid: bool = False


class InterruptedRunError(Exception):
    """Ctrl-C came: what runs is killed, nothing new begins."""


def chosen(paths: Sequence[str], since: str) -> list[str]:
    """Return the source files to change: of the given files and folders, or all; only those changed since a commit."""
    if since:
        command = ["git", "diff", "--name-only", "--diff-filter=d", since, "--", *(paths or ["src"])]
        names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    else:
        roots = [Path(path) for path in paths or ["src"]]
        names = [str(path) for root in roots for path in (root.rglob("*") if root.is_dir() else [root])]
    return sorted(name for name in names if name.endswith(SUFFIXES))


def drawn(names: Sequence[str], count: int, seed: int) -> list[Fault]:
    """Draw the kind first, so that rare ones come too, then the place; the same for the same seed and sources."""
    dice = random.Random(seed)
    kinds: dict[str, list[Fault]] = {}
    sources = {name: Path(name).read_bytes() for name in names}
    for name, source in sources.items():
        for fault in faults(name, source):
            kinds.setdefault(fault.kind, []).append(fault)
    for kind in sorted(kinds):
        dice.shuffle(kinds[kind])
    found: list[Fault] = []
    while kinds and len(found) < count:
        kind = dice.choice(sorted(kinds))
        fault = kinds[kind].pop()
        if compiles(fault, sources[fault.path]):
            found.append(fault)
        if not kinds[kind]:
            del kinds[kind]
    return found


def stages(path: str, root: Path = Path()) -> list[list[str]]:
    """Return the tests of a source file, nearest first; no test is in two stages."""
    inside = Path(path).relative_to("src/netwright")
    stem = inside.stem.removeprefix("_") if inside.suffix == ".pyx" else inside.stem
    module = ".".join(("netwright", *inside.parent.parts, stem))
    package = Path("tests", *inside.parent.parts)
    while not (root / package).is_dir():
        package = package.parent
    tests = sorted(path.relative_to(root) for path in (root / "tests").rglob("test_*.py") if "truth" not in path.parts)
    text = {test: (root / test).read_text() for test in tests}
    if inside.suffix == ".js":
        near = [test for test in tests if inside.name in text[test]]
        names = [test for test in tests if "static" in text[test] or "browser" in text[test]]
    else:
        near = [package / f"test_{stem}.py", Path("tests/twins", f"test_{stem}.py")]
        parent, _, name = module.rpartition(".")
        named = re.compile(rf"\b{re.escape(module)}\b|\bfrom {re.escape(parent)} import [^\n]*\b{name}\b")
        names = [test for test in tests if named.search(text[test])]
    wide = [test for test in tests if package == test.parent or ("twins" in test.parts and package.name in text[test])]
    seen: set[Path] = set()
    result = []
    for group in (near, [*wide, *names]):
        fresh = [test for test in dict.fromkeys(group) if test in text and test not in seen]
        seen.update(fresh)
        result += [[str(test) for test in fresh]] if fresh else []
    return result


class Copy:
    """A copy of the tree in which one fault at a time is planted, tried and taken out."""

    def __init__(self, root: Path, timeout: float) -> None:
        self.root, self.timeout = root, timeout
        self.reliable: set[str] = set()  # tests that failed with a fault and pass without
        self.broken: set[str] = set()  # tests that fail without any
        self.process: subprocess.Popen[str] | None = None
        self.stopped = False
        self.python = str(Path(sys.executable))

    def make(self) -> None:
        """Copy what git knows, and the kernels that are built."""
        shutil.rmtree(self.root, ignore_errors=True)
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"], check=True, capture_output=True, text=True
        )
        for name in [*listed.stdout.splitlines(), *map(str, SRC.rglob("*.so"))]:
            if Path(name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(name, self.root / name)

    def judge(self, fault: Fault) -> Verdict:
        """Plant the fault, run its tests, take it out."""
        began, source = time.monotonic(), (self.root / fault.path).read_bytes()
        before = self._state(fault)
        found_by, invalid = "", False
        try:
            self._write(self.root / fault.path, fault.apply(source))
            if fault.path.endswith(".pyx") and not self._compiled(fault):
                invalid = True
            else:
                found_by = self._first_failure(fault, before)
        finally:
            self._restore(before)
        return Verdict(fault, fault.diff(source), found_by, time.monotonic() - began, invalid)

    def _state(self, fault: Fault) -> dict[Path, bytes]:
        """Return the files that the fault changes, with their contents."""
        path = self.root / fault.path
        built = list(path.parent.glob(f"{path.stem}.*.so")) if path.suffix == ".pyx" else []
        if path.suffix == ".pyx" and not built:
            raise SystemExit(f"{fault.path} is not built: make install")
        return {changed: changed.read_bytes() for changed in (path, *built)}

    def _restore(self, state: dict[Path, bytes]) -> None:
        for path, content in state.items():
            self._write(path, content)

    def _compiled(self, fault: Fault) -> bool:
        name = ".".join(Path(fault.path).relative_to(SRC).with_suffix("").parts)
        return self.run("-c", COMPILE, name)[0] == PASSED

    def _first_failure(self, fault: Fault, before: dict[Path, bytes]) -> str:
        for tests in stages(fault.path, self.root):
            while True:
                skipped = [f"--deselect={test}" for test in self.broken]
                code, output = self.run(*PYTEST, *skipped, *tests)
                if code in (PASSED, NOTHING):
                    break
                if code is None:
                    return "timeout"
                failed = _failed(output)
                if not failed or self._passes_without(fault, before, failed):
                    return failed or f"exit code {code}"
                self.broken.add(failed)
        return ""

    def _passes_without(self, fault: Fault, before: dict[Path, bytes], test: str) -> bool:
        if test not in self.reliable:
            planted = self._state(fault)
            self._restore(before)
            if self.run(*PYTEST, test)[0] == PASSED:
                self.reliable.add(test)
            self._restore(planted)
        return test in self.reliable

    def _write(self, path: Path, source: bytes) -> None:
        """Write a source; Python must not take its bytecode for that of another text of the same second and size."""
        path.unlink()  # a library that is loaded somewhere keeps its old file
        path.write_bytes(source)
        for cached in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            cached.unlink()

    def run(self, *arguments: str) -> tuple[int | None, str]:
        """Run Python in the copy; the exit code is None if it took too long."""
        if self.stopped:
            raise InterruptedRunError
        environment = {
            **os.environ,
            "PYTHONPATH": str((self.root / SRC).resolve()),
            "PYTHONHASHSEED": "0",
            "HYPOTHESIS_STORAGE_DIRECTORY": str((self.root / ".hypothesis").resolve()),
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self.process = subprocess.Popen(
            [self.python, *arguments],
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            output, _ = self.process.communicate(timeout=self.timeout)
        except subprocess.TimeoutExpired:
            self._kill()
            self.process.communicate()
            return None, ""
        if self.stopped:
            raise InterruptedRunError
        return self.process.returncode, output

    def stop(self) -> None:
        """Kill what runs; what would run next raises InterruptedRunError."""
        self.stopped = True
        if self.process is not None and self.process.poll() is None:
            self._kill()

    def _kill(self) -> None:
        assert self.process is not None
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _failed(output: str) -> str:
    """Return the first test, or the file, that pytest's summary names as failed."""
    match = re.search(r"^(?:FAILED|ERROR) (\S+?\.py(?:::[^\n]+?)?)(?: - .*)?$", output, re.MULTILINE)
    return match[1] if match else ""


def judged(todo: Sequence[Fault], jobs: int, timeout: float) -> Iterator[Verdict]:
    """Yield a verdict for each fault, in the order in which they are known; each job has its own copy."""
    copies = [Copy(COPIES / str(number), timeout) for number in range(jobs)]
    free, lock = list(copies), threading.Lock()

    def judge(fault: Fault) -> Verdict:
        with lock:
            copy = free.pop()
        try:
            if not copy.root.exists():
                copy.make()
            return copy.judge(fault)
        finally:
            with lock:
                free.append(copy)

    shutil.rmtree(COPIES, ignore_errors=True)
    pool = ThreadPoolExecutor(jobs)
    try:
        for future in [pool.submit(judge, fault) for fault in todo]:
            yield future.result()
    finally:
        for copy in copies:
            copy.stop()
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(COPIES, ignore_errors=True)


def report(verdicts: Sequence[Verdict]) -> dict[str, object]:
    """Return the result for other programs."""
    valid = [verdict for verdict in verdicts if not verdict.invalid]
    survivors = [verdict for verdict in valid if not verdict.found_by]
    return {
        "faults": len(valid),
        "caught": len(valid) - len(survivors),
        "invalid": len(verdicts) - len(valid),
        "survivors": [{"path": one.fault.path, "kind": one.fault.kind, "diff": one.diff} for one in survivors],
        "found_by": {
            f"{one.fault.path}:{one.fault.start}:{one.fault.kind}": one.found_by for one in valid if one.found_by
        },
    }


def show(verdicts: Sequence[Verdict], total: int, began: float) -> None:
    """Draw the bar on a terminal; print each survivor once."""
    last = verdicts[-1]
    clear = "\r\x1b[K" if sys.stdout.isatty() else ""
    if not last.found_by and not last.invalid:
        sys.stdout.write(f"{clear}survived: {last.fault.kind}\n{last.diff}\n\n")
    if sys.stdout.isatty():
        full = 30 * len(verdicts) // total
        caught = sum(bool(verdict.found_by) for verdict in verdicts)
        bar = "#" * full + "-" * (30 - full)
        sys.stdout.write(
            f"\r\x1b[K[{bar}] {len(verdicts)} of {total}, {caught} caught, {time.monotonic() - began:.0f} s"
        )
    sys.stdout.flush()


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and folders to change; all of src without any")
    parser.add_argument("--since", default="", metavar="COMMIT", help="only files that changed since this commit")
    parser.add_argument("-n", type=int, default=100, metavar="COUNT", help="how many faults (100)")
    parser.add_argument(
        "--seed", type=int, default=0, help="the same seed draws the same faults from the same sources (0)"
    )
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time, each in a copy of the tree (2)")
    parser.add_argument("--timeout", type=float, default=120.0, metavar="SECONDS", help="for one run of tests (120)")
    parser.add_argument("--json", default="", metavar="FILE", help="write the result there, too; - is standard output")
    return parser.parse_args()


def main() -> int:
    """Return 0 after a report, whatever it says, 2 if there is nothing to change, 130 after Ctrl-C."""
    options = arguments()
    todo = drawn(chosen(options.paths, options.since), options.n, options.seed)
    if not todo:
        sys.stderr.write("mutants: no source file with anything to change\n")
        return 2
    began, verdicts, code = time.monotonic(), list[Verdict](), 0
    try:
        for verdict in judged(todo, options.jobs, options.timeout):
            verdicts.append(verdict)
            show(verdicts, len(todo), began)
    except (KeyboardInterrupt, InterruptedRunError):
        code = 130
    result = report(verdicts)
    clear = "\r\x1b[K" if sys.stdout.isatty() else ""
    sys.stdout.write(
        f"{clear}mutants: {result['caught']} of {result['faults']} caught, {result['invalid']} did not build, "
        f"seed {options.seed}, {time.monotonic() - began:.0f} s\n"
    )
    if options.json:
        text = json.dumps(result, indent=2) + "\n"
        sys.stdout.write(text) if options.json == "-" else Path(options.json).write_text(text)
    return code


if __name__ == "__main__":
    sys.exit(main())
