"""Why an address cannot be bound."""

import errno
import os
import socket
from pathlib import Path

import pytest

from netwright.aio import BindError
from netwright.core.address import InetAddress, UnixAddress
from netwright.run.bind import bind_problem
from netwright.run.problem import Code
from netwright.run.settings import RunSettings, Spelling


def settings(*binds: InetAddress | UnixAddress) -> RunSettings:
    return RunSettings(Path("app.py"), binds=binds, spelling=Spelling("netwright serve app.py"))


IN_USE = OSError(errno.EADDRINUSE, "Address already in use")


@pytest.mark.real
def test_taken_port_names_its_holder_and_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        bind = InetAddress("127.0.0.1", server.getsockname()[1])
        problem = bind_problem(BindError(bind, IN_USE), settings(bind))
    assert f"pid {os.getpid()} (" in problem.why
    assert problem.fix.startswith("netwright serve app.py --bind 127.0.0.1:")
    assert (problem.exit_code, problem.code) == (3, Code.BIND_IN_USE)


@pytest.mark.real
@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here")
def test_taken_path_names_its_holder_or_what_lies_there(tmp_path: Path) -> None:
    bind = UnixAddress(str(tmp_path / "s"))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(bind.path)
        server.listen()
        problem = bind_problem(BindError(bind, IN_USE), settings(bind))
    assert f"unix:{bind.path} is held by pid {os.getpid()} (" in problem.why
    assert problem.fix == "stop that process, or choose another path"
    (tmp_path / "file").touch()
    for name, kind in (("file", "file"), (".", "directory")):
        path = str(tmp_path / name)
        assert (
            bind_problem(BindError(UnixAddress(path), IN_USE), settings()).why
            == f"{Path(path)} is a {kind}, not a socket"
        )
    missing = bind_problem(BindError(UnixAddress("/nowhere/s"), OSError(errno.ENOENT, "No such file")), settings())
    assert (missing.why, missing.fix) == ("there is no directory /nowhere", "mkdir -p /nowhere")


def test_taken_port_of_the_program_itself_is_to_be_changed_there() -> None:
    assert "in app.py" in bind_problem(BindError(InetAddress("127.0.0.1", 1), IN_USE), settings()).fix


@pytest.mark.real
def test_forbidden_port_says_why_and_proposes_one_that_is_free() -> None:
    bind = InetAddress("127.0.0.1", 80)
    problem = bind_problem(BindError(bind, OSError(errno.EACCES, "Permission denied")), settings(bind))
    assert "below 1024" in problem.why
    assert problem.fix.startswith("netwright serve app.py --bind 127.0.0.1:80")
    assert problem.code == Code.BIND_DENIED


def test_foreign_address_and_other_reasons_have_their_codes() -> None:
    bind = InetAddress("192.0.2.1", 80)
    foreign = bind_problem(BindError(bind, OSError(errno.EADDRNOTAVAIL, "x")), settings(bind))
    other = bind_problem(BindError(bind, OSError(errno.EMFILE, "x")), settings(bind))
    assert [foreign.code, other.code] == [Code.BIND_NO_ADDRESS, Code.BIND_FAILED]
    assert "ip address" in foreign.fix
