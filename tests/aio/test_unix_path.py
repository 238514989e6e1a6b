"""Which file a Unix listener makes, replaces and removes."""

import errno
import os
import socket
import stat
from contextlib import closing
from pathlib import Path

import pytest

from netwright.aio.sockets import BindError, SocketListener, listening
from netwright.core.address import UnixAddress
from netwright.core.tuning import INTERACTIVE, Tuning


@pytest.fixture
def address(tmp_path: Path) -> UnixAddress:
    return UnixAddress(str(tmp_path / "a.sock"))


def listen(address: UnixAddress, **options: int) -> SocketListener:
    return listening(address, Tuning(**options) if options else INTERACTIVE)  # type: ignore[arg-type]


def test_socket_file_that_nobody_listens_on_is_replaced(address: UnixAddress) -> None:
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(address.path)
    with closing(listen(address)), pytest.raises(BindError, match="another program listens there"):
        listen(address)
    assert not os.path.exists(address.path)


def test_socket_file_of_a_busy_server_is_left_alone(address: UnixAddress) -> None:
    """A full accept queue answers EAGAIN, not ECONNREFUSED (unix(7))."""
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
        busy.bind(address.path)
        busy.listen(0)
        waiting.connect(address.path)
        with pytest.raises(BindError):
            listen(address)
        assert os.path.exists(address.path)


def test_file_of_a_server_with_another_type_of_socket_is_left_alone(address: UnixAddress) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
        other.bind(address.path)
        other.listen(1)
        with pytest.raises(BindError):
            listen(address)
        assert os.path.exists(address.path)


@pytest.mark.parametrize("kind", ["a plain file", "a directory", "a symbolic link", "another kind of file"])
def test_what_else_lies_there_is_named_and_never_removed(address: UnixAddress, kind: str) -> None:
    path = Path(address.path)
    match kind:
        case "a plain file":
            path.write_text("precious")
        case "a directory":
            path.mkdir()
        case "a symbolic link":
            path.symlink_to("nowhere")
        case _:
            os.mkfifo(path)
    with pytest.raises(BindError, match=f"; {kind} exists at that path"):
        listen(address)
    assert os.path.lexists(path)


def test_closing_leaves_a_file_that_took_the_place(address: UnixAddress) -> None:
    """A successor's socket, one renamed over it, and a plain file."""
    first = listen(address)
    os.unlink(address.path)
    successor = listen(address)
    first.close()
    assert stat.S_ISSOCK(os.stat(address.path).st_mode)
    newer = listen(UnixAddress(address.path + ".new"))
    os.rename(address.path + ".new", address.path)
    successor.close()
    assert stat.S_ISSOCK(os.stat(address.path).st_mode)
    os.unlink(address.path)
    Path(address.path).write_text("precious")
    newer.close()
    assert Path(address.path).read_text() == "precious"


@pytest.mark.parametrize("mode", [0o600, 0o666])
def test_file_has_the_permissions_that_were_asked_for(address: UnixAddress, mode: int) -> None:
    before = os.umask(0o027)
    try:
        with closing(listen(address, unix_mode=mode)):
            assert stat.S_IMODE(os.stat(address.path).st_mode) == mode
    finally:
        os.umask(before)


def test_file_whose_permissions_cannot_be_set_is_removed(address: UnixAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener that was not made leaves no file behind."""

    def refuse(path: str, mode: int) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr("netwright.aio.unix_path.os.chmod", refuse)
    with pytest.raises(BindError, match="not permitted"):
        listen(address, unix_mode=0o600)
    assert not os.path.lexists(address.path)
