"""Every body runs on every engine and transport that this machine has."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from netwright._native import enabled
from tests.support.world import World, descriptors

ENGINES = ["portable", "native"] if enabled("netwright.aio._stream") else ["portable"]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    monkeypatch.setenv("NETWRIGHT_ENGINE", name)
    return name


@pytest.fixture(params=["tcp", "unix"])
def world(request: pytest.FixtureRequest, engine: str, tmp_path: Path) -> Iterator[World]:
    """Fails the test that leaves a descriptor open."""
    before = descriptors()
    yield World(engine, request.param, tmp_path)
    assert descriptors() <= before
