"""Who holds a port."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from netwright.core.address import InetAddress, UnixAddress
from netwright.run.holder import Holder, Listening, free_port, holders, holders_of_path, parse_listening, process_age

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0000000000000000 100
   1: 0100007F:1F40 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 4243 1 0000000000000000 20
   cut
"""
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0
"""  # noqa: E501  # the kernel's own line

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="the samples are from a little-endian kernel")


@little_endian
def test_listening_sockets_are_read_and_others_skipped() -> None:
    assert parse_listening(TCP) == [Listening("127.0.0.1", 8000, 1000, 4242)]
    assert parse_listening(TCP6) == [Listening("::1", 80, 0, 77)]


def made_proc(root: Path) -> Path:
    (root / "net").mkdir()
    (root / "net/tcp").write_text(TCP)
    (root / "99/fd").mkdir(parents=True)
    (root / "99/fd/3").symlink_to("socket:[4242]")
    (root / "99/cmdline").write_bytes(b"python\0app.py\0")
    (root / "99/stat").write_text(f"99 (a) b) S {' '.join(['0'] * 18)} {50 * os.sysconf('SC_CLK_TCK')} 0")
    return root


@little_endian
@pytest.mark.skipif(sys.platform == "win32", reason="no sysconf")
def test_holder_has_pid_command_and_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "clock_gettime", lambda clock: 230.0)
    (holder,) = holders(8000, proc=made_proc(tmp_path))
    assert holder == Holder("127.0.0.1:8000", 1000, 99, "python app.py", 180.0)
    assert str(holder) == "127.0.0.1:8000 is held by pid 99 (python app.py), started 3 min ago"


@little_endian
def test_holder_of_another_user_is_told_by_user(tmp_path: Path) -> None:
    (made_proc(tmp_path) / "99/fd/3").unlink()
    (holder,) = holders(8000, proc=tmp_path)
    assert str(holder) == "127.0.0.1:8000 is held by a process of user 1000, which this user may not inspect"


def test_no_proc_means_no_holder(tmp_path: Path) -> None:
    assert holders(8000, proc=tmp_path) == []
    assert holders_of_path(UnixAddress("/x"), proc=tmp_path) == []


UNIX = """\
Num       RefCount Protocol Flags    Type St Inode Path
0: 00000002 00000000 00010000 0001 01 4242 /run/a b.sock
0: 00000002 00000000 00000000 0001 03 4243 /run/a b.sock
0: 00000002 00000000 00010000 0001 01 4244 @name
0: 00000002 00000000 00010000 0001 01 4245
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no sysconf")
def test_unix_socket_is_found_by_its_very_name_where_it_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "clock_gettime", lambda clock: 230.0)
    (made_proc(tmp_path) / "net/unix").write_text(UNIX)
    (holder,) = holders_of_path(UnixAddress("/run/a b.sock"), proc=tmp_path)
    assert holder == Holder("unix:/run/a b.sock", 0, 99, "python app.py", 180.0)
    (stranger,) = holders_of_path(UnixAddress("name", abstract=True), proc=tmp_path)
    assert str(stranger) == "unix:@name is held by a process of user 0, which this user may not inspect"
    assert holders_of_path(UnixAddress("/run/a"), proc=tmp_path) == []


@pytest.mark.real
@pytest.mark.skipif(sys.platform != "linux", reason="proc(5)")
@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_this_process_is_found_as_holder(family: int, host: str) -> None:
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        mine = [holder for holder in holders(port) if holder.pid == os.getpid()]
        assert [holder.where for holder in mine] == [str(InetAddress(host, port))]
        assert "python" in mine[0].command or "pytest" in mine[0].command
        assert mine[0].age == pytest.approx(process_age(os.getpid()), abs=1.0)


@pytest.mark.real
def test_free_port_skips_a_taken_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        free = free_port("127.0.0.1", port - 1)
        assert free > port
        with socket.create_server(("127.0.0.1", free)):
            pass


def test_free_port_gives_up_at_the_end_of_ports() -> None:
    assert free_port("127.0.0.1", 65535) == 0


@pytest.mark.real
@pytest.mark.skipif(sys.platform != "linux", reason="proc(5)")
def test_age_of_a_process_is_exact_to_a_few_ticks() -> None:
    """The boot's time of day has whole seconds: an age from it was up to 1 s wrong."""
    before = time.monotonic()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        age = process_age(process.pid)
        latest = time.monotonic()
        process.communicate(b"\n")
    assert age is not None
    assert 0.0 <= age <= latest - before + 0.02
