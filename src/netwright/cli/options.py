"""The options of ``serve`` as values."""

from dataclasses import dataclass

import click

from netwright.core.address import Address, InetAddress, UnixAddress, parse_address
from netwright.core.errors import UsageError

__all__ = ["AddressType", "Options"]


class AddressType(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.3
    """host:port, [v6]:port, a port, unix:path."""

    name = "address"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """Parsed here, so that a wrong one is a wrong option."""
        if isinstance(value, InetAddress | UnixAddress):
            return value
        try:
            return parse_address(str(value))
        except UsageError as error:
            self.fail(str(error), param, ctx)


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, parsed."""

    target: str
    binds: tuple[Address, ...]
    as_json: bool
    drain: float
    records: str = ""
