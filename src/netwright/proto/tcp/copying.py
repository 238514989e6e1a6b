"""How frozen values are copied and pickled: made anew from their fields, for compiled ones refuse to be filled."""

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any, TypeAlias

__all__ = ["Reduced", "reduced"]

Reduced: TypeAlias = tuple[Any, tuple[()]]  # what ``__reduce__`` gives: a call without arguments that makes the value


def reduced(value: Any) -> Reduced:
    """``__reduce__`` of a frozen dataclass, whose fields are all its constructor's."""
    make: Callable[..., Any] = type(value)
    return partial(make, **{field.name: getattr(value, field.name) for field in fields(value)}), ()
