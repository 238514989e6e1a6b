import socket

import pytest

from netwright.aio.choice import engine as engine_of_loop
from netwright.core.errors import UsageError


async def test_engine_is_one_per_loop(engine: str) -> None:
    assert engine_of_loop() is engine_of_loop()
    assert engine_of_loop().name == ("portable" if engine == "portable" else "native")


async def test_unknown_engine_is_the_callers_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETWRIGHT_ENGINE", "steam")
    with pytest.raises(UsageError, match="portable or native"):
        engine_of_loop()


async def test_native_engine_that_is_not_built_is_the_callers_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netwright.aio.choice.enabled", lambda name: False)
    monkeypatch.setenv("NETWRIGHT_ENGINE", "native")
    with pytest.raises(UsageError, match="not built"):
        engine_of_loop()


async def test_simulated_system_gets_the_portable_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    class Simulated(socket.socket):
        """As a simulator replaces it."""

    monkeypatch.setattr(socket, "socket", Simulated)
    assert engine_of_loop().name == "portable"
