"""Copying and pickling of frozen dataclasses, by calling the constructor with the fields.

mypyc's frozen slotted dataclasses cannot be restored attribute by attribute, as Python would.
"""

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any, TypeAlias

__all__ = ["Reduced", "reduced"]

Reduced: TypeAlias = tuple[Any, tuple[()]]  # result of ``__reduce__``: a function that returns the value


def reduced(value: Any) -> Reduced:
    """``__reduce__`` for a frozen dataclass whose fields are the arguments of its constructor."""
    make: Callable[..., Any] = type(value)
    return partial(make, **{field.name: getattr(value, field.name) for field in fields(value)}), ()
