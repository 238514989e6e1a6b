"""``make bench``: an environment of its own on the best interpreter here, every benchmark in it, one table of goals.

python -m benchmarks.environment [NAME ...]    NAME: benchmarks whose module's name contains it; none: all
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".venv-bench"
NOT_BENCHMARKS = ("support", "environment")
CANDIDATES = [*(f"/usr/bin/python3.{minor}" for minor in (14, 13, 12, 11)), sys.executable]
USABLE = (
    "import ensurepip, os, sys, sysconfig, venv;"
    "sys.exit(not os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h')))"
)


def interpreter() -> str:
    """The distribution's own build where it can make environments (optimised, static), else the one that runs this."""
    chosen = os.environ.get("NETWRIGHT_BENCH_PYTHON")
    for path in [chosen] if chosen else CANDIDATES:
        if (
            Path(path).exists()
            and subprocess.run([path, "-c", USABLE], capture_output=True, check=False).returncode == 0
        ):
            return path
    return sys.executable


def environment() -> str:
    """Path of the environment's interpreter; netwright is built anew in it, the peers once."""
    python = FOLDER / "bin" / "python"
    if not python.exists():
        subprocess.run([interpreter(), "-m", "venv", str(FOLDER)], check=True)
    install = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "-q", ".[bench]"]
    subprocess.run(install, check=True, cwd=ROOT)
    return str(python)


def benchmarks(wanted: list[str]) -> Iterator[str]:
    """Module names, in order of their paths."""
    for path in sorted((ROOT / "benchmarks").rglob("*.py")):
        inside = path.relative_to(ROOT).with_suffix("").parts
        if inside[1] in NOT_BENCHMARKS or inside[-1] == "__init__":
            continue
        name = ".".join(inside).removesuffix(".__main__")
        if not wanted or any(word in name for word in wanted):
            yield name


def measure(python: str, name: str) -> list[dict[str, Any]]:
    """Run one benchmark; its JSON lines, one of a failure if it has none."""
    print(f"\n== {name}", flush=True)  # noqa: T201  # a report
    with subprocess.Popen([python, "-m", name], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        results = []
        for line in process.stdout:
            if line.startswith("{"):
                results.append(json.loads(line))
            else:
                print(line, end="", flush=True)  # noqa: T201  # a report
    if process.returncode not in (0, 1) or not results:
        results.append({"name": name, "failed": f"exit status {process.returncode}"})
    return results


def row(result: dict[str, Any]) -> str:
    """One line of the last table."""
    if "ratio" in result:
        verdict = "met" if result["met"] else "MISSED"
        return f"{verdict:7} {result['ratio']:8.3f}  goal {result['goal']:<6g} {result['name']}"
    if "skipped" in result:
        return f"skipped {'':8}  {'':11} {result.get('name', '')} {result['skipped']}"
    return f"FAILED  {'':8}  {'':11} {result['name']}: {result['failed']}"


def main() -> int:
    """Run what is wanted; 1 if a goal is missed or a benchmark failed."""
    python = environment()
    results = []
    for name in benchmarks(sys.argv[1:]):
        results += [{"name": name} | result for result in measure(python, name)]
    machines = {result["machine"] for result in results if "machine" in result}
    print("", *sorted(machines), *map(row, results), sep="\n")  # noqa: T201  # a report
    return int(any("failed" in result or result.get("met") is False for result in results))


if __name__ == "__main__":
    sys.exit(main())
