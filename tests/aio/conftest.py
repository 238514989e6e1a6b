"""Every body runs on every engine and transport that this machine has."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from netwright._native import enabled
from tests.support.clock import jumping_loop
from tests.support.engines import jumping_selector_loop
from tests.support.world import World, descriptors

LOOPS = {"portable": jumping_loop, "native": jumping_loop, "selector": jumping_selector_loop}  # native, in two forms
ENGINES = ["portable", "native", pytest.param("selector", marks=pytest.mark.long)]
if not enabled("netwright.aio._stream"):
    ENGINES = ["portable"]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    monkeypatch.setenv("NETWRIGHT_ENGINE", "portable" if name == "portable" else "native")
    return name


@pytest.fixture
def loop_factory(engine: str) -> Callable[[], Any]:
    return LOOPS[engine]


@pytest.fixture(params=["tcp", "unix"])
def world(
    request: pytest.FixtureRequest, engine: str, loop_factory: Callable[[], Any], tmp_path: Path
) -> Iterator[World]:
    """Fails the test that leaves a descriptor open."""
    before = descriptors()
    yield World(engine, request.param, tmp_path)
    assert descriptors() <= before
