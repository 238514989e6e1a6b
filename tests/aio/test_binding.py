"""Listening on several addresses, and on sockets that are bound already."""

import asyncio
import errno
import os
import resource
import socket
from contextlib import closing

import pytest

from netwright.aio import BindError, Limits, Listener, Stream, connect
from netwright.aio import engine as engine_of_loop
from netwright.aio.engine import ListeningHandle
from netwright.aio.sockets import name_of, sockaddr_of
from netwright.core.address import Address, InetAddress
from netwright.core.errors import UsageError
from netwright.core.tuning import Tuning
from tests.support.world import World, descriptors, now


async def echo(stream: Stream) -> None:
    async for chunk in stream:
        await stream.send(chunk)


def reached(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.settimeout(5)
        return sock.connect_ex((host, port)) == 0


@pytest.mark.parametrize(
    ("address", "four", "six"),
    [
        (InetAddress("", 0), True, True),
        ("*:0", True, True),
        (("localhost", 0), True, True),
        ("0.0.0.0:0", True, False),
        ("[::]:0", False, True),
        ("127.0.0.1:0", True, False),
    ],
    ids=str,
)
async def test_listener_is_reached_at_every_address_that_it_names(
    engine: str, address: InetAddress | str, four: bool, six: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One port for all, also where port 0 was asked for."""
    asked = asyncio.get_running_loop().getaddrinfo

    async def getaddrinfo(host: str, port: int, **options: int) -> object:
        if host == "localhost":
            return [(socket.AF_INET6, 1, 6, "", ("::1", port, 0, 0)), (socket.AF_INET, 1, 6, "", ("127.0.0.1", port))]
        return await asked(host, port, **options)

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    listener = await Listener.bind(address)
    with closing(listener):
        port = listener.address.port
        assert [each.port for each in listener.addresses] == [port] * (four + six)
        assert (reached("127.0.0.1", port), reached("::1", port)) == (four, six)


async def test_both_families_are_served_and_count_for_the_same_limits(engine: str) -> None:
    listener = await Listener.bind(("", 0), limits=Limits(max_connections=2))
    async with asyncio.TaskGroup() as group:
        group.create_task(listener.serve(echo))
        streams = [await connect((host, listener.address.port)) for host in ("127.0.0.1", "::1", "127.0.0.1", "::1")]
        for stream in streams:
            await stream.send(b"x")
        assert [await stream.read(timeout=5) for stream in streams[:2]] == [b"x", b"x"]
        await asyncio.sleep(1)
        assert listener.counts["accepted"] == 2
        for stream in streams[:2]:
            await stream.close()
        assert [await stream.read(timeout=5) for stream in streams[2:]] == [b"x", b"x"]
        locals_ = {str(record.local).rpartition(":")[0] for record in listener.recorder.recent}
        assert locals_ == {"127.0.0.1", "[::1]"}
        listener.abort()
        for stream in streams:
            await stream.close()


async def test_port_that_is_taken_for_one_family_is_not_taken_for_the_other(engine: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        before = descriptors()
        with pytest.raises(BindError, match=r"cannot listen on 0\.0\.0\.0:"):
            await Listener.bind(("", taken.getsockname()[1]))
        assert descriptors() == before


async def test_port_0_is_tried_again_where_the_other_family_has_the_number(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, real, asked = engine_of_loop(), engine_of_loop().listen, list[str]()

    def listen(address: Address, tuning: Tuning) -> ListeningHandle:
        asked.append(address.host)
        if asked == ["0.0.0.0", "::"]:
            raise BindError(address, OSError(errno.EADDRINUSE, "taken"))
        return real(address, tuning)

    monkeypatch.setattr(ours, "listen", listen)
    with closing(await Listener.bind(("", 0))) as listener:
        assert asked == ["0.0.0.0", "::"] * 2
        assert len(listener.addresses) == 2


async def test_family_that_this_machine_lacks_is_passed_over(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, real = engine_of_loop(), engine_of_loop().listen

    def listen(address: Address, tuning: Tuning) -> ListeningHandle:
        if ":" in address.host:
            raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
        return real(address, tuning)

    monkeypatch.setattr(ours, "listen", listen)
    with closing(await Listener.bind(("", 0))) as listener:
        assert [each.host for each in listener.addresses] == ["0.0.0.0"]
    with pytest.raises(BindError, match="cannot listen on"):
        await Listener.bind("[::1]:0")


@pytest.mark.realtime  # the lookup runs in a thread, for which the jumping clock does not wait
async def test_name_that_cannot_be_looked_up_is_a_bind_error(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BindError, match="not a host name"):
        await Listener.bind(("x" * 300, 80))


async def test_bind_without_descriptors_is_a_bind_error_with_advice(engine: str) -> None:
    engine_of_loop().now()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(BindError, match=r"Too many open files; .*ulimit -n"):
            await Listener.bind("127.0.0.1:0")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_scope_of_a_link_local_address_is_kept(engine: str) -> None:
    """RFC 4007 §11: without it such an address names nothing."""
    assert name_of(("fe80::1", 80, 0, socket.if_nametoindex("lo"))) == InetAddress("fe80::1%lo", 80)
    assert name_of(("fe80::1", 80, 0, 999_999)) == InetAddress("fe80::1%999999", 80)
    assert sockaddr_of(InetAddress("fe80::1%lo", 80)) == (
        socket.AF_INET6,
        ("fe80::1", 80, 0, socket.if_nametoindex("lo")),
    )


async def test_sockets_that_are_bound_already_are_served(world: World) -> None:
    """Blocking ones, as systemd passes them: the loop is not held up, and a Unix socket's file is not removed."""
    if world.transport == "unix":
        bound = socket.socket(socket.AF_UNIX)
        bound.bind(str(world.folder / "given.sock"))
    else:
        bound = socket.create_server(("127.0.0.1", 0))
    listener = Listener(bound)
    async with asyncio.TaskGroup() as group:
        group.create_task(listener.serve(echo))
        begun = now()
        await asyncio.sleep(0.1)
        assert now() - begun < 1
        async with await connect(listener.address) as stream:
            await stream.send(b"x")
            assert await stream.read() == b"x"
        listener.abort()
    if world.transport == "unix":
        assert (world.folder / "given.sock").exists()


async def test_listener_without_a_socket_is_the_callers_mistake(engine: str) -> None:
    with pytest.raises(UsageError, match="without a socket"):
        Listener([])
    with socket.socket() as unbound, pytest.raises(UsageError, match="not bound"):
        Listener(unbound)
