"""The doctor's checks."""

import resource
import socket
import sys
from pathlib import Path

import pytest

from netwright.cli import checks
from netwright.cli.checks import CHECKS, Grade, run_checks
from netwright.run import running


def test_every_check_gives_a_fact_and_a_missing_one_its_cost() -> None:
    for check in run_checks():
        assert check.seen
        assert check.cost if check.grade is Grade.MISSING else True


def test_checks_elsewhere_do_not_apply_and_do_not_fail(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On macOS there is neither /proc nor AF_PACKET."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(checks, "SYSCTL", tmp_path)
    elsewhere = {check.name for check in run_checks() if check.grade is Grade.ELSEWHERE}
    assert {"inet_diag", "AF_PACKET", "eBPF", "network namespaces", "somaxconn", "congestion controls"} <= elsewhere


def test_small_queue_is_a_finding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "net/core").mkdir(parents=True)
    (tmp_path / "net/core/somaxconn").write_text("128\n")
    monkeypatch.setattr(checks, "SYSCTL", tmp_path)
    (check,) = checks.queue()
    assert (check.grade, check.seen) == (Grade.MISSING, "128")
    assert "somaxconn=4096" in check.fix


@pytest.mark.parametrize(
    ("soft", "hard", "grade", "fix"),
    [
        (4095, 4095, Grade.MISSING, "ulimit -n 4095"),
        (4095, 10**6, Grade.MISSING, "ulimit -n 65536"),
        (1024, resource.RLIM_INFINITY, Grade.MISSING, "ulimit -n 65536"),
        (4096, 4096, Grade.GOOD, ""),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, Grade.GOOD, ""),
    ],
)
def test_few_descriptors_are_a_finding(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, grade: Grade, fix: str
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (soft, hard))
    (check,) = checks.descriptors()
    assert (check.grade, check.fix) == (grade, fix)


def test_missing_bbr_is_a_finding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "net/ipv4").mkdir(parents=True)
    for name in ("tcp_available_congestion_control", "tcp_congestion_control"):
        (tmp_path / "net/ipv4" / name).write_text("cubic\n")
    monkeypatch.setattr(checks, "SYSCTL", tmp_path)
    (check,) = checks.congestion()
    assert (check.grade, check.seen) == (Grade.MISSING, "cubic; in use: cubic")


def test_option_that_the_kernel_refuses_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "TCP_USER_TIMEOUT", 9999, raising=False)
    grades = {check.name: check.grade for check in checks.options()}
    assert grades["TCP_USER_TIMEOUT"] is Grade.MISSING
    assert grades["TCP_NODELAY"] is Grade.GOOD


def test_kernels_that_are_switched_off_say_by_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "every_kernel", lambda: ["netwright.wire._checksum"])
    monkeypatch.setattr(checks, "enabled", lambda name: False)
    for pure, grade in ((True, Grade.OFF), (False, Grade.MISSING)):
        monkeypatch.setattr(checks, "PURE", pure)
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        (check,) = checks.kernels()
        assert (check.name, check.grade) == ("wire._checksum", grade)


@pytest.mark.parametrize(
    ("on", "pure", "grade"),
    [(True, False, Grade.GOOD), (False, True, Grade.OFF), (False, False, Grade.MISSING)],
)
def test_modules_that_are_not_compiled_are_missing_or_off(
    monkeypatch: pytest.MonkeyPatch, on: bool, pure: bool, grade: Grade
) -> None:
    monkeypatch.setattr(checks, "compiled", lambda: ["netwright.sim.link"] if on else [])
    monkeypatch.setattr(checks, "PURE", pure)
    (check,) = checks.compiled_modules()
    assert check.grade is grade


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_says_what_it_reads(check: object) -> None:
    assert check.__doc__


@pytest.mark.parametrize(
    ("flags", "prefix", "grade"),
    [
        ("'--enable-optimizations' '--with-lto'", "/opt/python", Grade.GOOD),
        ("'--enable-shared'", "/opt/python", Grade.MISSING),
        ("'--enable-shared' '--prefix=/usr'", "/usr", Grade.ELSEWHERE),
        ("", "/opt/python", Grade.ELSEWHERE),
    ],
)
def test_optimised_build_is_off_only_where_the_build_says_so(
    monkeypatch: pytest.MonkeyPatch, flags: str, prefix: str, grade: Grade
) -> None:
    """Debian's python3 has PGO and LTO, and keeps their flags out of sysconfig: it was called unoptimised."""
    variables = {"CONFIG_ARGS": flags}
    monkeypatch.setattr("sysconfig.get_config_var", variables.get)
    monkeypatch.setattr(sys, "base_prefix", prefix)
    grades = {check.name: check.grade for check in checks.interpreter()}
    assert (grades["PGO"], grades["LTO"]) == (grade, grade)


@pytest.mark.parametrize(("found", "header"), [(True, True), (True, False), (False, True)])
def test_building_is_proposed_alone_only_where_there_is_a_compiler_and_python_s_header(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: bool, header: bool
) -> None:
    if header:
        (tmp_path / "Python.h").touch()
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}" if found else None)
    monkeypatch.setattr(checks, "compiled", list)
    monkeypatch.setattr(checks, "PURE", False)
    (check,) = checks.compiled_modules()
    assert check.fix.startswith("pip install .") == (found and header)
    assert "pip install ." in check.fix


def test_doctor_and_serve_count_the_same_kernels(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """doctor listed 6 missing ones, serve said 5: those that its own modules had asked for."""
    off = ["netwright.aio._stream", "netwright.watch._engine"]
    for module in (checks, running):
        monkeypatch.setattr(module, "PURE", False)
        monkeypatch.setattr(module, "enabled", lambda name: name not in off)
    monkeypatch.setattr(running, "kernels", lambda: {off[0]: False})
    monkeypatch.setattr(sys, "platform", "linux")
    running.warn_of_missing_kernels()
    missing = [check.name for check in checks.kernels() if check.grade is Grade.MISSING]
    assert len(missing) == 2
    assert "2 native kernels are not built" in caplog.text
