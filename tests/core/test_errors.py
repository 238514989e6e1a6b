import copy
import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Callable
from typing import Any

import pytest

import netwright
from netwright.core import errors
from netwright.core.address import InetAddress
from netwright.core.errors import ConnectError, DeadlineError, IncompleteError, LimitError, NetwrightError, ResetError


def test_text_has_message_rule_and_advice() -> None:
    error = errors.ProtocolError("chunk size is not hexadecimal: b'zz'", reference="RFC 9112 §7.1", advice="send hex")
    assert str(error) == "chunk size is not hexadecimal: b'zz' (RFC 9112 §7.1); send hex"


def test_limit_names_the_setting_and_both_numbers() -> None:
    assert str(LimitError("max_line", 9000, 8192)) == "max_line: 9000 bytes seen, 8192 allowed"
    assert str(LimitError("body", 10**11, 1 << 24)) == "body: 100000000000 bytes seen, 16777216 allowed"
    assert str(LimitError("rate", 2.5, 1.0, unit="a second")) == "rate: 2.5 a second seen, 1 allowed"


def test_deadline_names_the_stage_and_is_a_timeout() -> None:
    error = DeadlineError("first byte", 10.0)
    assert isinstance(error, TimeoutError)
    assert str(error) == "first byte: timed out after 10 s"


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_has_a_culprit_and_a_docstring(name: str) -> None:
    kind = getattr(errors, name)
    assert issubclass(kind, NetwrightError)
    assert kind.__doc__
    assert kind is NetwrightError or kind.culprit != "nobody"


def test_textbook_code_that_catches_the_standard_errors_still_works() -> None:
    with pytest.raises(ConnectionResetError):
        raise ResetError("reset")
    with pytest.raises(EOFError):
        raise IncompleteError("cut", partial=b"ab")
    with pytest.raises(OSError, match="none"):
        raise ConnectError("none", [ValueError("x")])


def every_error() -> list[type[BaseException]]:
    """Every exception class that a module of the package defines."""
    found: dict[str, type[BaseException]] = {}
    for module in pkgutil.walk_packages(netwright.__path__, "netwright."):
        if module.name.endswith("__main__") or "static" in module.name:
            continue
        try:
            names = vars(importlib.import_module(module.name))
        except ImportError:  # an extra or a kernel that is not here
            continue
        for value in names.values():
            if isinstance(value, type) and issubclass(value, BaseException) and "netwright." in value.__module__:
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return [found[name] for name in sorted(found)]


ARGUMENTS: dict[str, object] = {
    "address": InetAddress("a", 1),
    "advice": "do this",
    "allowed": 1,
    "attempts": [OSError(111, "refused")],
    "cause": OSError(98, "in use"),
    "end": 2,
    "fields": [("allow", "GET")],
    "partial": b"half",
    "reference": "RFC 1 §2",
    "seen": 2.5,
    "start": 1,
    "status": 404,
    "unit": "notes",
    "waited": 1.5,
}


def build(kind: type[BaseException]) -> BaseException:
    """An error of ``kind`` with an argument for each parameter."""
    places, names = [], {}
    for parameter in list(inspect.signature(kind.__init__).parameters.values())[1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        value = ARGUMENTS.get(parameter.name, "text")
        if parameter.kind is parameter.KEYWORD_ONLY:
            names[parameter.name] = value
        else:
            places.append(value)
    return kind(*places, **names)


WAYS: list[Callable[[Any], Any]] = [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))]


def seen_of(error: BaseException) -> tuple[object, ...]:
    fields = {name: repr(value) for name, value in vars(error).items()}
    return type(error), str(error), repr(error.args), fields, getattr(error, "errno", None)


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_of_the_package_can_be_pickled_and_copied(kind: type[BaseException]) -> None:
    error = build(kind)
    for way in WAYS:
        assert seen_of(way(error)) == seen_of(error)


def test_walk_of_the_errors_finds_them() -> None:
    names = {kind.__name__ for kind in every_error()}
    assert {"BindError", "ConnectError", "HttpError", "StatusError", "LimitError", "ShuttingDownError"} <= names
