"""The options of commands as values."""

import math
from dataclasses import dataclass
from typing import Any

import click

from netwright.core.address import Address, InetAddress, UnixAddress, parse_address
from netwright.core.errors import UsageError

__all__ = ["AddressType", "Options", "Seconds"]


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


class Seconds(click.FloatRange):
    """A number in a range with two ends; click's own lets NaN pass, which is below no bound and above none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Every wait has an end."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value} is no number of seconds, {self.min:g} to {self.max:g} allowed", param, ctx)
        return number


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, parsed."""

    target: str
    binds: tuple[Address, ...]
    as_json: bool
    drain: float
    records: str = ""
