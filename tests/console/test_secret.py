"""The console's token on disk."""

import os
import stat
from pathlib import Path

import pytest

from netwright.console.secret import KEPT, LONGEST, keep_token, read_token, token_path
from netwright.core.address import InetAddress


def test_token_is_read_back_and_no_other_user_can(tmp_path: Path) -> None:
    path = tmp_path / "token"
    keep_token(path, "s3cret")
    keep_token(path, "s3cret2")
    assert read_token(path) == "s3cret2"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["token"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o602, 0o620])
def test_file_that_others_may_touch_is_not_trusted(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "token"
    keep_token(path, "planted")
    path.chmod(mode)
    assert read_token(path) == ""


def test_file_of_another_user_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_token(tmp_path / "token", "planted")
    monkeypatch.setattr(os, "getuid", lambda: (tmp_path / "token").stat().st_uid + 1)
    assert read_token(tmp_path / "token") == ""


@pytest.mark.parametrize(
    ("text", "read"), [("a" * LONGEST, True), ("a" * (LONGEST + 1), False), ("é", False), ("a\nb", False)]
)
def test_only_one_short_line_of_ascii_is_a_token(text: str, read: bool, tmp_path: Path) -> None:
    keep_token(tmp_path / "token", text)
    assert read_token(tmp_path / "token") == (text if read else "")


def test_nothing_symbolic_link_and_folder_are_no_token(tmp_path: Path) -> None:
    keep_token(tmp_path / "token", "planted")
    (tmp_path / "link").symlink_to(tmp_path / "token")
    (tmp_path / "folder").mkdir(mode=0o700)
    assert [read_token(tmp_path / name) for name in ("none", "link", "folder")] == ["", "", ""]


def test_failed_write_says_so_and_leaves_the_old_token(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        keep_token(tmp_path / "no" / "token", "s3cret")
    (tmp_path / "token").mkdir()
    with pytest.raises(IsADirectoryError):
        keep_token(tmp_path / "token", "s3cret")
    assert [entry.name for entry in tmp_path.iterdir()] == ["token"]


@pytest.mark.parametrize(
    ("host", "name"),
    [("127.0.0.1", "127.0.0.1-8001.token"), ("0.0.0.0", "127.0.0.1-8001.token"), ("::", "127.0.0.1-8001.token")],
)
def test_file_is_named_after_the_address_that_people_open(host: str, name: str) -> None:
    assert token_path(Path("/x"), InetAddress(host, 8001)) == Path("/x", name)
    assert token_path(Path("/x"), InetAddress("::1", 1)).name == "__1-1.token"


def test_folder_keeps_the_newest_tokens_only(tmp_path: Path) -> None:
    for port in range(1, KEPT + 4):
        path = tmp_path / f"127.0.0.1-{port}.token"
        keep_token(path, "s3cret")
        os.utime(path, (port, port))
    ports = sorted(int(path.stem.rpartition("-")[2]) for path in tmp_path.iterdir())
    assert ports == list(range(4, KEPT + 4))
