import asyncio
import socket
from typing import NoReturn

import pytest

from netwright.aio.resolve import as_address, resolve
from netwright.core.address import InetAddress, UnixAddress


@pytest.mark.parametrize(
    ("host", "family", "sockaddr"),
    [("127.0.0.1", socket.AF_INET, ("127.0.0.1", 80)), ("::1", socket.AF_INET6, ("::1", 80, 0, 0))],
)
async def test_literal_address_asks_no_thread(
    host: str, family: int, sockaddr: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object, **__: object) -> NoReturn:
        raise AssertionError("asked the resolver's thread")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", forbidden)
    assert await resolve(InetAddress(host, 80)) == [(family, sockaddr)]


async def test_unix_address_is_its_own_answer() -> None:
    assert await resolve(UnixAddress("name", abstract=True)) == [(socket.AF_UNIX, "\0name")]


@pytest.mark.realtime
async def test_localhost_is_loopback() -> None:
    assert ("127.0.0.1", 80) in [sockaddr for _, sockaddr in await resolve(InetAddress("localhost", 80))]


async def test_empty_host_is_every_address_to_listen_and_loopback_to_connect() -> None:
    assert (await resolve(InetAddress("", 80), passive=True))[0][1][0] in ("0.0.0.0", "::")


def test_forms_that_verbs_take_are_addresses() -> None:
    wanted = InetAddress("127.0.0.1", 80)
    assert [as_address(form) for form in (wanted, "127.0.0.1:80", ("127.0.0.1", 80))] == [wanted] * 3
