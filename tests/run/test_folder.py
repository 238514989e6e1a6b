"""The console's folder in every environment."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from netwright.core.address import MAX_UNIX_PATH
from netwright.run import folder
from netwright.run.folder import private_folder
from netwright.run.problem import Code, Problem
from tests.support.limits import around

NAME = "127.0.0.1-8001.1"


@pytest.fixture
def short() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nw") as made:  # a Unix socket's path has 107 bytes
        yield Path(made)


@pytest.fixture(autouse=True)
def environment(short: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime folder, and one other candidate."""
    for name in ("run", "tmp"):
        (short / name).mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short / "run"))
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(folder, "_TEMPORARY", (str(short / "tmp"),))
    return short


def test_folder_is_private_and_in_the_runtime_directory(environment: Path) -> None:
    found = private_folder(NAME)
    assert (found.path, found.passed_over) == (environment / "run/netwright", "")
    assert found.path.stat().st_mode & 0o777 == 0o700
    assert private_folder(NAME) == found


@pytest.mark.parametrize("length", around(MAX_UNIX_PATH))
def test_folder_whose_socket_paths_have_107_bytes_is_taken_and_none_above(environment: Path, length: int) -> None:
    """unix(7): sun_path has 108 bytes, and a NUL ends the path."""
    name = "s" * (length - len(f"{environment}/run/netwright/"))
    if length <= MAX_UNIX_PATH:
        assert private_folder(name).path == environment / "run/netwright"
    else:
        with pytest.raises(Problem, match="108 bytes, 107 allowed"):
            private_folder(name)


def absent(root: Path) -> str:
    return str(root / "absent")


def relative(root: Path) -> str:
    return "run"


def unwritable(root: Path) -> str:
    return "/proc"  # not for root, either


def too_long(root: Path) -> str:
    path = root / ("x" * 100)
    path.mkdir(mode=0o700)
    return str(path)


def a_file(root: Path) -> str:
    (root / "file").touch()
    return str(root / "file")


def open_to_all(root: Path) -> str:
    (root / "run").chmod(0o777)
    return str(root / "run")


def readable(root: Path) -> str:
    (root / "run/netwright").mkdir()
    (root / "run/netwright").chmod(0o755)
    return str(root / "run")


def a_link(root: Path) -> str:
    (root / "else").mkdir(mode=0o700)
    (root / "run/netwright").symlink_to(root / "else")
    return str(root / "run")


@pytest.mark.parametrize(
    ("hostile", "reason"),
    [
        (absent, "No such file or directory"),
        (relative, "not an absolute path"),
        (unwritable, "/proc"),
        (too_long, "107 allowed"),
        (a_file, "Not a directory"),
        (open_to_all, "writable for others"),
        (readable, "not private"),
        (a_link, "not private"),
    ],
)
def test_hostile_runtime_directory_is_passed_over_with_the_reason(
    environment: Path, monkeypatch: pytest.MonkeyPatch, hostile: object, reason: str
) -> None:
    assert callable(hostile)
    monkeypatch.setenv("XDG_RUNTIME_DIR", hostile(environment))
    found = private_folder(NAME)
    assert found.path == environment / f"tmp/netwright-{os.getuid()}"
    assert reason in found.passed_over


def test_folder_of_another_user_is_passed_over(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """sudo -E and su leave the other user's XDG_RUNTIME_DIR."""
    owner = os.getuid()
    if owner == 0:
        owner = 12345
        os.chown(environment / "run", owner, owner)
    else:
        monkeypatch.setattr(os, "getuid", lambda: 12345)
    try:
        reasons = private_folder(NAME).passed_over
    except Problem as problem:  # without root, every other folder is "another user's", too
        reasons = problem.why
    assert f"{environment / 'run'} belongs to user {owner}" in reasons


def test_none_at_all_is_a_problem_that_says_what_was_tried(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/proc")
    monkeypatch.setenv("TMPDIR", str(environment / "absent"))
    monkeypatch.setattr(folder, "_TEMPORARY", ())
    with pytest.raises(Problem) as raised:
        private_folder(NAME)
    assert raised.value.code == Code.CONSOLE_FOLDER
    assert "absent: No such file" in raised.value.why
    assert "XDG_RUNTIME_DIR" in raised.value.fix
