"""Types of command-line options."""

import math
from typing import Any

import click

from netwright.core.address import Address, InetAddress, UnixAddress, parse_address
from netwright.core.errors import UsageError

__all__ = ["AddressType", "Seconds"]


class AddressType(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.3
    """host:port, [v6]:port, a port, unix:path."""

    name = "address"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """Parse an address; a malformed one is a usage error of this option."""
        if isinstance(value, InetAddress | UnixAddress):
            return value
        text = str(value)
        if "://" in text:
            rest = text.partition("://")[2].partition("/")[0]
            self.fail(f"{text} is a URL; an address is host:port: {rest or '127.0.0.1:8000'}", param, ctx)
        try:
            return parse_address(text)
        except UsageError as error:
            self.fail(str(error), param, ctx)


class Seconds(click.FloatRange):
    """Seconds in a closed range.  click's FloatRange accepts NaN, because no comparison refuses it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Refuse NaN, too."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value} is not a number of seconds, {self.min:g} to {self.max:g} allowed", param, ctx)
        return number
