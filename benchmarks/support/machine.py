"""The machine that a figure is from: without it the figure says nothing."""

import os
import platform
import sys
import sysconfig
from pathlib import Path

__all__ = ["describe"]


def describe() -> str:
    """Interpreter with its build, kernel, processors, congestion control: one line."""
    build = " ".join(sorted({flag for flag in sysconfig.get_config_var("PY_CFLAGS").split() if flag.startswith("-O")}))
    linked = "shared" if sysconfig.get_config_var("Py_ENABLE_SHARED") and _links_libpython() else "static"
    congestion = _first_line("/proc/sys/net/ipv4/tcp_congestion_control")
    return (
        f"{platform.python_implementation()} {platform.python_version()} {build} {linked}, {platform.system()} "
        f"{platform.release()}, {os.cpu_count()} x {_processor()}, congestion control {congestion or 'unknown'}"
    )


def _links_libpython() -> bool:
    try:
        return "libpython" in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _processor() -> str:
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _first_line(path: str) -> str:
    return next(iter(_lines(path)), "")


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


if __name__ == "__main__":
    sys.stdout.write(describe() + "\n")
