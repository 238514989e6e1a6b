"""An App on a free port of loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from netwright.core.address import InetAddress
from netwright.http import App


@asynccontextmanager
async def web(app: App) -> AsyncIterator[int]:
    """Start it, give its HTTP port, drain it."""
    app.http("127.0.0.1:0")
    async with app:
        address = app.listeners[-1].address
        assert isinstance(address, InetAddress)
        yield address.port
