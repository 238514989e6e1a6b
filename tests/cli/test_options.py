"""Options as values."""

import click
import pytest

from netwright.cli.options import AddressType, Seconds
from netwright.core.address import InetAddress, UnixAddress


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8000", InetAddress("127.0.0.1", 8000)),
        ("[::1]:80", InetAddress("::1", 80)),
        ("unix:/run/x", UnixAddress("/run/x")),
    ],
)
def test_address_is_parsed_where_it_is_typed(text: str, address: object) -> None:
    assert AddressType().convert(text, None, None) == address
    assert AddressType().convert(address, None, None) is address


def test_wrong_address_is_a_wrong_option() -> None:
    with pytest.raises(click.UsageError, match="without a port"):
        AddressType().convert("localhost", None, None)


@pytest.mark.parametrize("text", ["http://127.0.0.1:1", "https://127.0.0.1:1/x"])
def test_url_in_place_of_an_address_is_answered_with_the_address(text: str) -> None:
    with pytest.raises(click.UsageError, match=r"is a URL; an address is host:port: 127\.0\.0\.1:1$"):
        AddressType().convert(text, None, None)


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "11", "soon"])
def test_seconds_have_an_end(text: str) -> None:
    with pytest.raises(click.UsageError, match=text):
        Seconds(0, 10).convert(text, None, None)
    assert Seconds(0, 10).convert("2.5", None, None) == 2.5
