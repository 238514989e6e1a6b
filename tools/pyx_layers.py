"""The layers for imports that import-linter does not see: kernels, ``import_module``, and the front door's table.

- ``import`` and ``cimport`` of a ``.pyx`` or ``.pxd``;
- a string "netwright.x.y" in a module that calls ``import_module``: it may not point up or close a circle;
- ``from netwright import name``: the package itself is the roof, no module inside may need it.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

SRC = Path("src")
_IMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+c?import|c?import\s+([\w., ]+))", re.MULTILINE)
_MODULE = re.compile(r"netwright(\.\w+)+")


def contracts() -> tuple[dict[str, int], set[str], set[str]]:
    """Floor of each package (0 is the roof), packages that do no I/O, and the modules forbidden to them."""
    rules = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(rule for rule in rules if rule["type"] == "layers")["layers"]
    floors = {name.strip(" ()"): floor for floor, line in enumerate(layers) for name in line.split("|")}
    pure = next(rule for rule in rules if rule["type"] == "forbidden")
    return floors, {name.split(".")[1] for name in pure["source_modules"]}, set(pure["forbidden_modules"])


def imported(source: str) -> Iterator[str]:
    """Names of the modules that a kernel's source imports."""
    for match in _IMPORT.finditer(source):
        yield from (name.split(" as ")[0].strip() for name in (match[1] or match[2]).split(","))


def problems(root: Path = SRC) -> Iterator[str]:
    """One line an import that points up, sideways, out of a pure package, or in a circle."""
    floors, pure, forbidden = contracts()
    for path in sorted(root.rglob("*.pyx")) + sorted(root.rglob("*.pxd")):
        own = path.relative_to(root).parts[1]
        for name in imported(path.read_text()):
            yield from _points_up(path, own, name, floors)
            if own in pure and name.split(".")[0] in forbidden:
                yield f"{path}: netwright.{own} does no I/O and may not import {name}"
    yield from _hidden(root, floors)


def _points_up(path: Path, own: str, name: str, floors: dict[str, int]) -> Iterator[str]:
    parts = name.split(".")
    other = parts[1] if parts[0] == "netwright" and len(parts) > 1 else own
    if other != own and floors.get(other, -1) <= floors[own]:
        yield f"{path}: netwright.{own} may not import {name}: imports point down"


def _hidden(root: Path, floors: dict[str, int]) -> Iterator[str]:
    """What ``import_module`` and the front door hide from import-linter."""
    trees = {path: ast.parse(path.read_text()) for path in sorted(root.rglob("*.py"))}
    plain = {_name(root, path): set(_imports(tree)) for path, tree in trees.items()}
    for path, tree in trees.items():
        parts = path.relative_to(root).parts
        if len(parts) < 3:  # the roof: the front door and ``python -m netwright``
            continue
        if any(isinstance(node, ast.ImportFrom) and node.module == "netwright" for node in ast.walk(tree)):
            yield f"{path}: from netwright import …: import from where a name lives, not from the front door"
        for name in _loaded(tree):
            yield from _points_up(path, parts[1], name, floors)
            if _reaches(plain, name, _name(root, path)):
                yield f"{path}: {name}, which import_module loads, imports this module: a circle"


def _name(root: Path, path: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def _imports(tree: ast.Module) -> Iterator[str]:
    """Every module that plain statements import, also inside functions; a name may be a module or in one."""
    for node in _live(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def _live(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those under ``if TYPE_CHECKING``."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            yield node
            yield from _live(node)


def _loaded(tree: ast.Module) -> Iterator[str]:
    """Modules that are named by a string, where the module calls ``import_module``."""
    nodes = list(ast.walk(tree))
    if any(isinstance(node, ast.Name) and node.id == "import_module" for node in nodes) or any(
        isinstance(node, ast.Attribute) and node.attr == "import_module" for node in nodes
    ):
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _MODULE.fullmatch(node.value):
                yield node.value


def _reaches(plain: dict[str, set[str]], start: str, end: str) -> bool:
    seen, todo = {start}, [start]
    while todo:
        for name in plain.get(todo.pop(), set()) - seen:
            seen.add(name)
            todo.append(name)
    return end in seen


def main() -> int:
    """Print the problems; 1 if there are any."""
    found = list(problems())
    print(*found or ["pyx_layers: kernels and hidden imports keep the layers"], sep="\n")  # noqa: T201  # its output
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
