"""What an object keeps must be the same after one round as after many, and nothing at the end.

    books.steady(lambda: books.sizes(server), one_round)   # the second round leaves what the first left
    books.empty(books.sizes(server))

A compiled object hides its attributes: give a function that returns a mapping of names to counts instead.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping

Books = Mapping[str, int]
_CONTAINERS = (list, dict, set, frozenset, deque, bytearray)
_Sized = list[object] | dict[object, object] | set[object] | frozenset[object] | deque[object] | bytearray


def sizes(thing: object) -> dict[str, int]:
    """Return the length of every container among the attributes of ``thing`` and of the netwright objects it holds."""
    found: dict[str, int] = {}
    _collect(thing, "", found, set())
    return found


def _collect(thing: object, path: str, found: dict[str, int], seen: set[int]) -> None:
    if id(thing) in seen:
        return
    seen.add(id(thing))
    for name, value in _attributes(thing).items():
        inner = f"{path}.{name}" if path else name
        if isinstance(value, _CONTAINERS):
            held: _Sized = value
            found[inner] = len(held)
        elif type(value).__module__.startswith("netwright."):
            _collect(value, inner, found, seen)


def _attributes(thing: object) -> dict[str, object]:
    slots = [slot for kind in type(thing).__mro__ for slot in _names(getattr(kind, "__slots__", ()))]
    found = {slot: getattr(thing, slot) for slot in slots if hasattr(thing, slot)}
    return {**found, **getattr(thing, "__dict__", {})}


def _names(slots: object) -> list[str]:
    names = [slots] if isinstance(slots, str) else [name for name in slots if isinstance(name, str)]  # type: ignore[attr-defined]
    return [name for name in names if not name.startswith("__")]


def steady(books: Callable[[], Books], cycle: Callable[[], object], *, cycles: int = 5) -> None:
    """Fail if ``cycles`` more runs of ``cycle`` leave more, or less, than the first one left."""
    cycle()
    first = dict(books())
    for _ in range(cycles):
        cycle()
    _equal(first, books(), cycles)


async def steady_async(books: Callable[[], Books], cycle: Callable[[], Awaitable[object]], *, cycles: int = 5) -> None:
    """``steady`` for a coroutine function."""
    await cycle()
    first = dict(books())
    for _ in range(cycles):
        await cycle()
    _equal(first, books(), cycles)


def _equal(first: Books, last: Books, cycles: int) -> None:
    assert first, "no books: this would test nothing"
    changed = {name: (first.get(name), last.get(name)) for name in {*first, *last} if first.get(name) != last.get(name)}
    assert not changed, f"after 1 and after {cycles + 1} cycles: {changed}"


def empty(books: Books, *, but: tuple[str, ...] = ()) -> None:
    """Fail with the names of the books that are not empty; ``but`` names those that may keep something."""
    assert books, "no books: this would test nothing"
    left = {name: count for name, count in books.items() if count and name not in but}
    assert not left, f"not empty: {left}"
