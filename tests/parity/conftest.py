"""The engines and transports of tests/aio."""

from tests.aio.conftest import engine, loop_factory, world

__all__ = ["engine", "loop_factory", "world"]
