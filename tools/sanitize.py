"""Native kernels under AddressSanitizer and UndefinedBehaviourSanitizer: a build of its own, and the tests that use it.

Arguments are pytest's; without any, the tests of every package that has a kernel, and the twins.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SRC, BUILT = Path("src"), Path("build/sanitized")
FLAGS = "-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g -O1"


def build() -> None:
    """Copy the sources and compile their kernels beside them."""
    shutil.rmtree(BUILT, ignore_errors=True)
    shutil.copytree(SRC, BUILT, ignore=shutil.ignore_patterns("*.so", "*.c", "*.egg-info", "__pycache__"))
    command = [sys.executable, "setup.py", "-q", "build_ext", "--build-lib", str(BUILT), "--build-temp", f"{BUILT}.o"]
    flags = {"CFLAGS": FLAGS, "LDFLAGS": FLAGS}
    subprocess.run(command, env={**os.environ, **flags}, check=True, stdout=subprocess.DEVNULL)


def environment() -> Mapping[str, str]:
    """Python itself is not instrumented: the runtime is preloaded, and its own leaks are not ours."""
    runtime = [_runtime(name) for name in ("libasan.so", "libubsan.so")]
    return {
        **os.environ,
        "LD_PRELOAD": " ".join(runtime),
        "PYTHONPATH": str(BUILT.resolve()),
        "PYTHONMALLOC": "malloc",  # or an overrun stays inside Python's arenas
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    }


def _runtime(name: str) -> str:
    said = subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True)
    return said.stdout.strip()


def packages() -> list[str]:
    """Test folders of the packages that have a kernel."""
    return sorted({f"tests/{path.relative_to(SRC / 'netwright').parts[0]}" for path in SRC.rglob("_*.pyx")})


def main() -> int:
    """The tests' exit code."""
    build()
    tests = sys.argv[1:] or [*packages(), "tests/twins", "-m", "not truth"]
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--timeout", "300", *tests]
    return subprocess.run(command, env=environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
