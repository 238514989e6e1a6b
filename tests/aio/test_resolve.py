import asyncio
import socket
from typing import NoReturn

import pytest

from netwright.aio.resolve import as_address, literal, look_up, resolve
from netwright.aio.sockets import sockaddr_of
from netwright.core.address import InetAddress, UnixAddress
from netwright.core.errors import UsageError


@pytest.mark.parametrize(
    ("host", "family", "sockaddr"),
    [("127.0.0.1", socket.AF_INET, ("127.0.0.1", 80)), ("::1", socket.AF_INET6, ("::1", 80, 0, 0))],
)
def test_literal_address_needs_no_lookup(host: str, family: int, sockaddr: object) -> None:
    assert literal(InetAddress(host, 80)) == InetAddress(host, 80)
    assert sockaddr_of(InetAddress(host, 80)) == (family, sockaddr)
    assert literal(InetAddress("localhost", 80)) is None


def test_dotted_quad_costs_no_getaddrinfo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "getaddrinfo")
    assert sockaddr_of(InetAddress("192.0.2.1", 80)) == (socket.AF_INET, ("192.0.2.1", 80))


@pytest.mark.parametrize(
    ("host", "usual"), [("127.1", "127.0.0.1"), ("0x7f.0.0.1", "127.0.0.1"), ("010.0.0.1", "8.0.0.1")]
)
def test_other_spellings_of_an_address_get_its_usual_form(host: str, usual: str) -> None:
    assert sockaddr_of(InetAddress(host, 80)) == (socket.AF_INET, (usual, 80))


def test_unix_address_is_its_own_answer() -> None:
    address = UnixAddress("name", abstract=True)
    assert literal(address) is address
    assert sockaddr_of(address) == (socket.AF_UNIX, "\0name")


@pytest.mark.realtime
async def test_localhost_is_loopback() -> None:
    assert InetAddress("127.0.0.1", 80) in await resolve(InetAddress("localhost", 80))
    assert await look_up("localhost", 80, socket.AF_INET) == [InetAddress("127.0.0.1", 80)]


async def test_empty_host_is_every_address() -> None:
    assert await resolve(InetAddress("", 80)) == [InetAddress("0.0.0.0", 80), InetAddress("::", 80)]


@pytest.mark.parametrize(("number", "empty"), [(socket.EAI_NODATA, True), (socket.EAI_AGAIN, False)])
async def test_family_that_the_name_lacks_is_an_empty_answer(
    number: int, empty: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(*_: object, **__: object) -> NoReturn:
        raise socket.gaierror(number, "said the resolver")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", answer)
    if empty:
        assert await look_up("name", 80, socket.AF_INET6) == []
    else:
        with pytest.raises(socket.gaierror):
            await look_up("name", 80, socket.AF_INET6)


def test_forms_that_verbs_take_are_addresses() -> None:
    wanted = InetAddress("127.0.0.1", 80)
    assert [as_address(form) for form in (wanted, "127.0.0.1:80", ("127.0.0.1", 80))] == [wanted] * 3


@pytest.mark.parametrize("address", [("127.0.0.1", 65536), ("127.0.0.1", -1), InetAddress("::1", 99_999)])
def test_port_that_does_not_exist_is_refused_and_not_wrapped(address: tuple[str, int] | InetAddress) -> None:
    with pytest.raises(UsageError, match="0 to 65535 allowed"):
        as_address(address)
