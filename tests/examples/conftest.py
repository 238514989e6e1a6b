"""What a program of the documentation registers is gone after its test."""

import pytest

from netwright.proto.tcp.congestion import registry


@pytest.fixture(autouse=True)
def _congestion_controls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_factories", dict(registry._factories))  # noqa: SLF001  # names cannot be taken back
