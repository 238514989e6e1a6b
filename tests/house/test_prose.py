"""Nothing parses a sentence that this package wrote, or one of the operating system's.

Fields that hold text for people are printed, joined and passed on.  Code that compares one, searches it, splits it or
matches it is reading prose: the fact belongs into a field of its own.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src/netwright"
FOREIGN = {"testing/drill/arguments.py"}  # ``text`` is a script's own, which is there to be parsed
FOREIGN |= {"testing/streams.py"}  # a suite of checks, one of which is that engines refuse with the same words
SOURCES = [path for path in sorted(PACKAGE.glob("**/*.py")) if path.relative_to(PACKAGE).as_posix() not in FOREIGN]
PROSE = frozenset({"note", "text", "reason", "detail", "strerror", "message"})
READERS = {"startswith", "endswith", "partition", "rpartition", "split", "rsplit", "find", "index", "count"}
READERS |= {"removeprefix", "removesuffix"}
MATCHERS = frozenset(["match", "fullmatch", "search", "findall", "finditer", "split"])


def reads_prose(tree: ast.AST) -> Iterator[ast.expr]:
    """Expressions that decide by the words of a field of PROSE or by those of ``str(error)``."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=read, attr=verb)) if verb in READERS and is_prose(read):
                yield node
            case ast.Call(func=ast.Attribute(attr=verb), args=[*_, last]) if verb in MATCHERS and is_prose(last):
                yield node
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[read]) if is_prose(read):
                yield node
            case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq()], comparators=[right]) if (
                is_prose(left) and is_literal(right)
            ) or (is_prose(right) and is_literal(left)):
                yield node


def is_prose(node: ast.expr) -> bool:
    match node:
        case ast.Attribute(attr=name):
            return name in PROSE
        case ast.Subscript(slice=ast.Constant(value=str() as name)):
            return name in PROSE
        case ast.Call(func=ast.Name(id="str" | "repr"), args=[ast.Name(id="error" | "exc" | "exception")]):
            return True
        case ast.Call(func=ast.Attribute(attr="strerror" | "lower" | "casefold", value=read), args=arguments):
            return bool(arguments) or is_prose(read)
        case _:
            return False


def is_literal(node: ast.expr) -> bool:
    """A text that is written down in place, "" excepted: whether there is any text at all may be asked."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value != ""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_module_reads_text_that_is_for_people(path: Path) -> None:
    found = [f"{path.name}:{node.lineno} {ast.unparse(node)}" for node in reads_prose(ast.parse(path.read_text()))]
    assert found == []


@pytest.mark.parametrize(
    "planted",
    [
        "moment.note.partition(':')",
        "'→ loss' in moment.note",
        "record['detail'].startswith('the peer did not read')",
        "_ATTEMPT.fullmatch(moment.note)",
        "any(word in ended.text for word in WORDS)",
        "'timed out' in str(error)",
        "error.strerror == 'Connection refused'",
        "'unreachable' in os.strerror(number)",
        "'reset' in moment.note.lower()",
    ],
)
def test_reading_prose_is_found(planted: str) -> None:
    assert list(reads_prose(ast.parse(planted)))


@pytest.mark.parametrize("fine", ["moment.note or 'x'", "f'{ended.text}'", "ended.text == ''", "len(note)"])
def test_printing_prose_is_not(fine: str) -> None:
    assert not list(reads_prose(ast.parse(fine)))
