"""Small realistic faults of a source text: each is one replacement that a tired author could have typed.

Python is changed through its syntax tree; ``.pyx`` and ``.js`` line by line, with patterns.
"""

import ast
import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

_COMPARE: dict[type[ast.cmpop], tuple[tuple[str, str], ...]] = {
    ast.Lt: (("boundary", "<="), ("comparison", ">")),
    ast.LtE: (("boundary", "<"), ("comparison", ">")),
    ast.Gt: (("boundary", ">="), ("comparison", "<")),
    ast.GtE: (("boundary", ">"), ("comparison", "<")),
    ast.Eq: (("comparison", "!="),),
    ast.NotEq: (("comparison", "=="),),
    ast.Is: (("comparison", "is not"),),
    ast.IsNot: (("comparison", "is"),),
    ast.In: (("comparison", "not in"),),
    ast.NotIn: (("comparison", "in"),),
}
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "//",
    ast.FloorDiv: "*",
    ast.Mod: "//",
}
_TWINS = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True, slots=True)
class Fault:
    """Bytes ``start`` to ``end`` of ``path`` become ``text``; ``kind`` names the mistake."""

    path: str
    kind: str
    start: int
    end: int
    text: bytes

    def apply(self, source: bytes) -> bytes:
        """Return the source with the fault."""
        return source[: self.start] + self.text + source[self.end :]

    def diff(self, source: bytes) -> str:
        """Return the fault as a unified diff without context beyond a line."""
        before, after = (text.decode().splitlines() for text in (source, self.apply(source)))
        return "\n".join(difflib.unified_diff(before, after, self.path, self.path, lineterm="", n=1))


def faults(path: str, source: bytes) -> list[Fault]:
    """Return every fault of the source that the operators know."""
    found = _Python(source).faults() if path.endswith(".py") else _lines(source, script=path.endswith(".js"))
    return [Fault(path, *change) for change in found]


def compiles(fault: Fault, source: bytes) -> bool:
    """Return False if Python refuses the source with the fault; of the other languages nothing is known here."""
    if not fault.path.endswith(".py"):
        return True
    try:
        compile(fault.apply(source), fault.path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


_Change = tuple[str, int, int, bytes]


class _Python:
    """Walks the tree; annotations, docstrings, messages and ``__all__`` stay as they are."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def faults(self) -> Iterator[_Change]:
        """Yield all of them, in the order of the tree."""
        yield from self._walk(ast.parse(self.source))

    def _walk(self, node: ast.AST) -> Iterator[_Change]:
        make = _OPERATORS.get(type(node))
        if make is not None:
            yield from make(self, node)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "type_params", "bases"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not _silent(child):
                    yield from self._walk(child)

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Return where the node's text begins and ends, in bytes."""
        line, column = node.lineno, node.col_offset  # type: ignore[attr-defined]
        end, last = node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
        return self.starts[line - 1] + column, self.starts[end - 1] + last

    def text(self, node: ast.AST) -> bytes:
        """Return the node's text."""
        start, end = self.span(node)
        return self.source[start:end]

    def between(self, kind: str, left: ast.AST, right: ast.AST, text: str) -> Iterator[_Change]:
        """Replace the operator between two operands; parentheses beside it stay."""
        start, end = self.span(left)[1], self.span(right)[0]
        middle = self.source[start:end]
        match = re.search(rb"[^\s()\\]+(?:\s+(?:in|not)\b)?", middle)
        if match and b"#" not in middle:
            yield kind, start + match.start(), start + match.end(), text.encode()

    def compare(self, node: ast.Compare) -> Iterator[_Change]:
        """Swap each comparison, and move each boundary."""
        operands = [node.left, *node.comparators]
        for (left, right), operator in zip(pairwise(operands), node.ops, strict=True):
            for kind, text in _COMPARE[type(operator)]:
                yield from self.between(kind, left, right, text)

    def logic(self, node: ast.BoolOp) -> Iterator[_Change]:
        """Swap ``and`` and ``or``."""
        text = "or" if isinstance(node.op, ast.And) else "and"
        for left, right in pairwise(node.values):
            yield from self.between("logic", left, right, text)

    def arithmetic(self, node: ast.BinOp) -> Iterator[_Change]:
        """Swap the operator with its opposite."""
        if text := _ARITHMETIC.get(type(node.op)):
            yield from self.between("arithmetic", node.left, node.right, text)

    def constant(self, node: ast.Constant) -> Iterator[_Change]:
        """Move a number by one, double a float, flip a flag."""
        start, end = self.span(node)
        if isinstance(node.value, bool):
            yield "constant", start, end, str(not node.value).encode()
        elif isinstance(node.value, int):
            for value in (node.value + 1, node.value - 1):
                yield "constant", start, end, str(value).encode() if value >= 0 else f"({value})".encode()
        elif isinstance(node.value, float):
            yield "constant", start, end, repr(node.value * 2 or 1.0).encode()

    def condition(self, node: ast.If | ast.While | ast.IfExp) -> Iterator[_Change]:
        """Negate a condition: the branches change places."""
        start, end = self.span(node.test)
        kind = "branches" if isinstance(node, ast.IfExp) or node.orelse else "negation"
        yield kind, start, end, b"not (" + self.text(node.test) + b")"

    def statement(self, node: ast.stmt) -> Iterator[_Change]:
        """Drop a call or an assignment; a local name that were missing afterwards would be found by anything."""
        if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name | ast.Tuple) for target in node.targets):
            return
        reset = isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.List | ast.Dict)
        yield "reset" if reset else "dropped", *self.span(node), b"pass"

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[_Change]:
        """Return before a statement of the body that is neither the first nor the last one."""
        for statement in node.body[1:-1]:
            if isinstance(statement, ast.Expr | ast.Assign | ast.AugAssign | ast.If | ast.For) and not _silent(
                statement
            ):
                start, _ = self.span(statement)
                yield "early return", start, start, b"return\n" + b" " * statement.col_offset
                break

    def handler(self, node: ast.ExceptHandler) -> Iterator[_Change]:
        """Let an except arm catch nothing."""
        if node.type is not None:
            yield "except", *self.span(node.type), b"()"

    def call(self, node: ast.Call) -> Iterator[_Change]:
        """Swap the first two positional arguments; take min for max."""
        if isinstance(node.func, ast.Name) and node.func.id in _TWINS:
            yield "twin", *self.span(node.func), _TWINS[node.func.id].encode()
        first = node.args[:2]
        if len(first) == 2 and not any(isinstance(argument, ast.Starred) for argument in first):
            (start, one), (two, end) = map(self.span, first)
            if self.text(first[0]) != self.text(first[1]):
                yield "arguments", start, end, self.text(first[1]) + self.source[one:two] + self.text(first[0])

    def jump(self, node: ast.Break | ast.Continue) -> Iterator[_Change]:
        """Swap ``break`` and ``continue``."""
        yield "jump", *self.span(node), b"continue" if isinstance(node, ast.Break) else b"break"


_OPERATORS: dict[type[ast.AST], Callable[[_Python, Any], Iterator[_Change]]] = {
    ast.Compare: _Python.compare,
    ast.BoolOp: _Python.logic,
    ast.BinOp: _Python.arithmetic,
    ast.Constant: _Python.constant,
    ast.If: _Python.condition,
    ast.While: _Python.condition,
    ast.IfExp: _Python.condition,
    ast.Expr: _Python.statement,
    ast.Assign: _Python.statement,
    ast.AugAssign: _Python.statement,
    ast.Delete: _Python.statement,
    ast.FunctionDef: _Python.function,
    ast.AsyncFunctionDef: _Python.function,
    ast.ExceptHandler: _Python.handler,
    ast.Call: _Python.call,
    ast.Break: _Python.jump,
    ast.Continue: _Python.jump,
}


def _silent(node: ast.AST) -> bool:
    """Return True for what no test needs to hold: docstrings, messages, imports, ``__all__``, ``__repr__``."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.JoinedStr() | ast.Import() | ast.ImportFrom():
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name.startswith("__") or (name[0].isupper() and isinstance(node.value, ast.Subscript))
        case ast.FunctionDef(name="__repr__" | "__str__"):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case _:
            return False


_SHARED = (
    ("boundary", rb"(?<=\s)<(?=\s)", rb"<="),
    ("boundary", rb"(?<=\s)<=(?=\s)", rb"<"),
    ("boundary", rb"(?<=\s)>(?=\s)", rb">="),
    ("boundary", rb"(?<=\s)>=(?=\s)", rb">"),
    ("comparison", rb"(?<=\s)==(?=\s)", rb"!="),
    ("comparison", rb"(?<=\s)!=(?=\s)", rb"=="),
    ("arithmetic", rb"(?<=\w )\+(?= \w)", rb"-"),
    ("arithmetic", rb"(?<=\w )-(?= \w)", rb"+"),
    ("constant", rb"(?<![\w.\"'#-])(\d+)(?![\w.\"'])", rb"(\1 + 1)"),
    ("constant", rb"(?<![\w.\"'#-])([1-9]\d*)(?![\w.\"'])", rb"(\1 - 1)"),
)
_CYTHON = (
    *_SHARED,
    ("comparison", rb"\bis not\b", rb"is"),
    ("logic", rb"\band\b", rb"or"),
    ("logic", rb"\bor\b", rb"and"),
    ("constant", rb"\bTrue\b", rb"False"),
    ("constant", rb"\bFalse\b", rb"True"),
    ("negation", rb"^(\s*(?:el)?if )(.+)(:\s*)$", rb"\1not (\2)\3"),
    ("reset", rb"^(\s+)[\w.]+ = (?:0|None|False|NULL)\s*$", rb"\1pass\n"),
    ("dropped", rb"^(\s+)(?:self|[a-z_]\w*)[\w.]*(?: [-+*|&]?= .+|\(.*\))\s*$", rb"\1pass\n"),
    # nothing raises that one; Cython's ``except ()`` would catch everything
    ("except", rb"^(\s*except) [\w.(), ]+?( as \w+)?:(.*)$", rb"\1 FloatingPointError\2:\3"),
)
_SCRIPT = (
    *_SHARED,
    ("comparison", rb"(?<=\s)===(?=\s)", rb"!=="),
    ("comparison", rb"(?<=\s)!==(?=\s)", rb"==="),
    ("logic", rb"&&", rb"||"),
    ("logic", rb"\|\|", rb"&&"),
    ("constant", rb"\btrue\b", rb"false"),
    ("constant", rb"\bfalse\b", rb"true"),
    ("negation", rb"\bif \(((?:[^()]|\([^()]*\))*)\)", rb"if (!(\1))"),
    ("branches", rb"(?<= )\? ([\w.\"'`]+) : ([\w.\"'`]+)", rb"? \2 : \1"),
    ("dropped", rb"^(\s+)[a-z][\w.]*(?:\(.*\)| [-+]?= [^{]*);\s*$", rb"\1;\n"),
    ("early return", rb"^(\s+)((?:const|let) .*;)$", rb"\1return; \2"),
    ("twin", rb"\bMath\.min\b", rb"Math.max"),
    ("twin", rb"\bMath\.max\b", rb"Math.min"),
)
_COMMENT = {True: re.compile(rb"^\s*(?://|\*|/\*)"), False: re.compile(rb"^\s*#|^\s*(?:from|c?import|cdef extern|@)\b")}


def _lines(source: bytes, *, script: bool) -> Iterator[_Change]:
    """Apply the patterns to each line of code; texts in quotes and comments stay as they are."""
    at, quoted = 0, False
    for line in source.splitlines(keepends=True):
        marks = 0 if script else line.count(b'"""')
        if not (quoted or marks or _COMMENT[script].match(line)):
            code = line[: _code(line, b"//" if script else b"#")]
            for kind, pattern, replacement in _SCRIPT if script else _CYTHON:
                for match in re.finditer(pattern, code, re.MULTILINE):
                    if not _in_text(code, match.start()):
                        yield kind, at + match.start(), at + match.end(), match.expand(replacement)
        quoted ^= marks % 2 == 1
        at += len(line)


def _code(line: bytes, comment: bytes) -> int:
    """Return where the comment at the end of a line begins, or the line's length."""
    starts = (match.start() for match in re.finditer(rb"(?:^|\s)" + comment, line))
    return next((start for start in starts if not _in_text(line, start)), len(line))


def _in_text(line: bytes, at: int) -> bool:
    """Return True inside of quotes; escaped quotes are taken for quotes, which loses a fault, not more."""
    return any(line[:at].count(quote) % 2 for quote in (b'"', b"'", b"`"))
