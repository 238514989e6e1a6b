import inspect

from netwright.aio.engine import Engine
from netwright.aio.portable import PortableEngine


def test_every_engine_has_the_whole_interface() -> None:
    wanted = [name for name, _ in inspect.getmembers(Engine, inspect.isfunction) if not name.startswith("_")]
    assert wanted == ["arrival", "connect", "listen", "now", "open"]
    for name in wanted:
        assert inspect.signature(getattr(PortableEngine, name)).parameters.keys() == (
            inspect.signature(getattr(Engine, name)).parameters.keys()
        )
