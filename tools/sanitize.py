"""Native kernels under AddressSanitizer and UndefinedBehaviourSanitizer: a build of its own, tests and fuzz targets.

Arguments are pytest's; without any: all tests that need no root, then each fuzz target of FUZZED for EXECUTIONS inputs.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SRC, BUILT = Path("src"), Path("build/sanitized")
NEEDED = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "tools")  # by setuptools
IGNORED = ("*.so", "*.egg-info", "__pycache__")  # what another build left
FLAGS = "-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g -O1"
MYPYC = f"{FLAGS} -fno-sanitize=shift"  # its runtime shifts negative numbers to the left (CPy.h), as gcc defines it
FUZZED, EXECUTIONS = ("fuzz_watch", "fuzz_http1"), "20000"
FOREIGN = (  # what the preloaded runtime changes in programs that are not ours, and in memory
    "tests/http/test_app.py::test_curl_is_served",
    "tests/page",
    "tests/house/test_benchmarks.py::test_instructions_of_an_echo_in_c_are_tens_per_message",
    "tests/cli/test_serve.py::test_console_stopped_costs_the_service_nothing_but_counted_loss",
)
PROBE = """
import importlib, sys
for name in sys.argv[2:]:
    path = importlib.import_module(name).__file__
    assert path.startswith(sys.argv[1]), f"{name} comes from {path}"
from netwright._native import compiled
assert compiled(), "mypyc compiled nothing"
print("sanitize:", *sorted({*sys.argv[2:], *compiled()}))
"""


def build() -> None:
    """Copy the sources; compile all that wheels hold compiled beside them."""
    shutil.rmtree(BUILT, ignore_errors=True)
    shutil.copytree(SRC, BUILT / SRC, ignore=shutil.ignore_patterns(*IGNORED))
    for name in NEEDED:
        (shutil.copytree if Path(name).is_dir() else shutil.copy)(name, BUILT / name)
    _compile(MYPYC, "--build-lib", str(SRC))
    _compile(FLAGS, "--inplace", "--force")  # the kernels again, strictly


def _compile(flags: str, *options: str) -> None:
    command = [sys.executable, "setup.py", "-q", "build_ext", *options]
    environment = {**os.environ, "CFLAGS": flags, "LDFLAGS": FLAGS}
    subprocess.run(command, cwd=BUILT, env=environment, check=True, stdout=subprocess.DEVNULL)


def environment() -> Mapping[str, str]:
    """Python itself is not instrumented: the runtime is preloaded, and its own leaks are not ours."""
    runtime = [_runtime(name) for name in ("libasan.so", "libubsan.so")]
    return {
        **os.environ,
        "LD_PRELOAD": " ".join(runtime),
        "PYTHONPATH": str((BUILT / SRC).resolve()),
        "PYTHONMALLOC": "malloc",  # or an overrun stays inside Python's arenas
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    }


def _runtime(name: str) -> str:
    said = subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True)
    return said.stdout.strip()


def names() -> list[str]:
    """Every kernel, as it is imported."""
    return [".".join(path.relative_to(SRC).with_suffix("").parts) for path in sorted(SRC.rglob("_*.pyx"))]


def run(*arguments: str) -> int:
    """Exit code of this Python with the sanitized kernels."""
    return subprocess.run([sys.executable, *arguments], env=environment(), check=False).returncode


def main() -> int:
    """0 if every kernel was built, is the one that is imported, and nothing was found."""
    build()
    if run("-c", PROBE, str((BUILT / SRC).resolve()), *names()):
        return 1
    tests = sys.argv[1:] or ["-m", "not truth", *(f"--deselect={test}" for test in FOREIGN)]
    if run("-m", "pytest", "-q", "-n", "2", "--timeout", "300", *tests):
        return 1
    if sys.argv[1:]:
        return 0
    return max(run("-m", f"fuzz.{target}", "--executions", EXECUTIONS) for target in FUZZED)


if __name__ == "__main__":
    sys.exit(main())
