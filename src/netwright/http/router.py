"""Find the handler of a method and a path.

A path is matched segment by segment: ``/items`` literally, ``/items/{id}`` one segment of any text, ``/items/{id:int}``
one of digits, ``/files/{rest:path}`` all that is left.  A literal wins over digits, digits over text, text over the
rest.  Segments are percent-decoded after the split: an encoded slash stays in its segment (RFC 3986 §2.2).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import unquote_to_bytes

from netwright.core.errors import UsageError
from netwright.http.errors import StatusError

__all__ = ["KNOWN_METHODS", "Router", "decode_segment"]

T = TypeVar("T")
KNOWN_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"))
_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::(str|int|path))?\}")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ORDER = ("int", "str", "path")
_MAX_DIGITS = 18
Params = dict[str, "str | int"]


@dataclass(slots=True)
class _Node(Generic[T]):
    literals: "dict[str, _Node[T]]" = field(default_factory=dict)
    parameters: "dict[str, _Node[T]]" = field(default_factory=dict)  # by kind
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by method
    handlers: dict[str, T] = field(default_factory=dict)  # by method


class Router(Generic[T]):
    """Routes are added once, at start; ``find`` costs one dictionary look-up for a path without parameters."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()
        self._static: dict[str, _Node[T]] = {}
        self.methods: set[str] = set()

    def add(self, method: str, path: str, handler: T) -> None:
        """Answer ``method`` on ``path`` with ``handler``; GET answers HEAD, too, unless HEAD has its own.

        Raises:
            UsageError: the path is not well-formed, or it has a handler for the method.
        """
        if not path.startswith("/"):
            raise UsageError(f"route {path!r} does not begin with a slash")
        node = self._root
        names: list[str] = []
        for segment in path[1:].split("/"):
            node = self._descend(node, segment, path, names)
        if method in node.handlers:
            raise UsageError(f"two handlers for {method} {path}")
        if len(set(names)) != len(names):
            raise UsageError(f"route {path!r} has a parameter twice")
        node.handlers[method], node.names[method] = handler, tuple(names)
        self.methods.add(method)
        if not names:
            self._static[path] = node

    def _descend(self, node: _Node[T], segment: str, path: str, names: list[str]) -> _Node[T]:
        match = _PARAMETER.fullmatch(segment)
        if match is None:
            if "{" in segment or "}" in segment:
                raise UsageError(
                    f"segment {segment!r} of route {path!r}", advice="write {name}, {name:int}, {name:path}"
                )
            return node.literals.setdefault(segment, _Node())
        names.append(match[1])
        kind = match[2] or "str"
        if kind == "path" and not path.endswith(segment):
            raise UsageError(f"{segment} is not the last segment of route {path!r}")
        return node.parameters.setdefault(kind, _Node())

    def find(self, method: str, path: str) -> tuple[T, Params]:
        """The handler for a request and the parameters; ``path`` is as sent, percent-encoded.

        Raises:
            StatusError: 404 no such path, 405 not with this method (with Allow, RFC 9110 §15.5.6), 501 no such method.
        """
        node = self._static.get(path)
        if node is not None:
            handler = node.handlers.get(method)
            if handler is not None:
                return handler, {}
        return self._search(method, path)

    def allowed(self, path: str) -> list[str]:
        """Methods of a path, for Allow; empty if there is no such path."""
        methods = {method for node, _ in self._nodes(path) for method in node.handlers}
        if "GET" in methods:
            methods.add("HEAD")
        return sorted(methods | {"OPTIONS"}) if methods else []

    def has(self, method: str, path: str) -> bool:
        """True if the method has a handler of its own there."""
        return any(method in node.handlers for node, _ in self._nodes(path))

    def _search(self, method: str, path: str) -> tuple[T, Params]:
        for wanted in (method, "GET") if method == "HEAD" else (method,):
            for node, values in self._nodes(path, wanted):
                return node.handlers[wanted], dict(zip(node.names[wanted], values, strict=True))
        if method not in KNOWN_METHODS and method not in self.methods:
            raise StatusError(501, f"method {method[:40]} is not known here", reference="RFC 9110 §15.6.2")
        allowed = ", ".join(self.allowed(path))
        if allowed:
            message = f"{method} on {path[:200]}, {allowed} allowed"
            raise StatusError(405, message, fields=(("allow", allowed),), reference="RFC 9110 §15.5.6")
        other = path.rstrip("/") if path.endswith("/") else f"{path}/"
        advice = f"{other[:200]} is one" if self.allowed(other) else ""
        raise StatusError(404, f"no route {path[:200]}", advice=advice, reference="RFC 9110 §15.5.5")

    def _nodes(self, path: str, method: str = "") -> "list[_Found[T]]":
        """Every node that the path leads to, the most literal first; the first one only that answers ``method``."""
        found: list[_Found[T]] = []
        if path.startswith("/"):
            segments = path[1:].split("/")
            _walk(
                self._root,
                [decode_segment(part) for part in segments] if "%" in path else segments,
                0,
                [],
                method,
                found,
            )
        return found


_Found = tuple[_Node[T], list[str | int]]


def _walk(
    node: _Node[T], segments: list[str], at: int, values: list[str | int], method: str, found: list[_Found[T]]
) -> bool:
    """Collect the nodes below ``node``; True ends the search."""
    if at == len(segments):
        if method in node.handlers or (not method and node.handlers):
            found.append((node, values))
        return bool(method and found)
    literal = node.literals.get(segments[at])
    if literal is not None and _walk(literal, segments, at + 1, values, method, found):
        return True
    for kind in _ORDER if node.parameters else ():
        child = node.parameters.get(kind)
        if child is None:
            continue
        value = "/".join(segments[at:]) if kind == "path" else _VALUE_OF[kind](segments[at])
        rest = len(segments) if kind == "path" else at + 1
        if value is not None and _walk(child, segments, rest, [*values, value], method, found):
            return True
    return False


def _int_value(segment: str) -> int | None:
    is_number = segment.isascii() and segment.isdigit() and len(segment) <= _MAX_DIGITS
    return int(segment) if is_number else None


_VALUE_OF: dict[str, Callable[[str], str | int | None]] = {"int": _int_value, "str": lambda segment: segment or None}


def decode_segment(segment: str) -> str:
    """Percent-decoded text (RFC 3986 §2.1).

    Raises:
        StatusError: 400 an escape without two hexadecimal digits, bytes that are not UTF-8, or NUL.
    """
    if "%" not in segment:
        return segment
    if _BAD_ESCAPE.search(segment):
        raise StatusError(400, f"% without two hexadecimal digits in {segment[:60]!r}", reference="RFC 3986 §2.1")
    try:
        text = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError as error:
        raise StatusError(400, f"not UTF-8: {segment[:60]!r}", reference="RFC 3986 §2.5") from error
    if "\0" in text:
        raise StatusError(400, f"NUL in {segment[:60]!r}", reference="RFC 3986 §7.3")
    return text
