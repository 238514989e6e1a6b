"""Find the App in a user's file: ``app.py`` or ``app.py:name``.  Whatever is wrong with it becomes one message."""

import difflib
import importlib.util
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from netwright.cli.problem import Problem

__all__ = ["Found", "find", "place_of"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """``name`` is the module attribute that holds ``app``."""

    app: T
    name: str
    path: Path


def find(target: str, kind: type[T]) -> Found[T]:
    """The ``kind`` in file ``target``: the attribute after the colon, else ``app``, else the only one there is.

    Raises:
        Problem: no such file, it does not load, it holds none or several.
    """
    file, _, name = target.rpartition(":") if ":" in target and not target.endswith(".py") else (target, "", "")
    path = _path(file)
    module = _load(path)
    candidates = {key: value for key, value in vars(module).items() if isinstance(value, kind)}
    if name:
        return Found(_named(module, name, kind, path), name, path)
    if "app" in candidates:
        return Found(candidates["app"], "app", path)
    distinct = {id(value): key for key, value in candidates.items()}
    if len(distinct) == 1:
        key = next(iter(distinct.values()))
        return Found(candidates[key], key, path)
    if not distinct:
        raise _none(module, kind, path)
    names = sorted(distinct.values())
    raise Problem(
        f"{len(names)} Apps in {path.name}: {', '.join(names)}",
        where=str(path),
        why="none of them is named app",
        fix=f"netwright serve {file}:{names[0]}",
    )


def _path(file: str) -> Path:
    path = Path(file)
    if path.is_dir():
        inside = [path / name for name in ("app.py", "main.py") if (path / name).is_file()]
        fix = f"netwright serve {inside[0]}" if inside else "name the file that holds the App"
        raise Problem(f"{file} is a directory", fix=fix)
    if not path.is_file():
        parent = path.parent if path.parent.is_dir() else Path()
        near = difflib.get_close_matches(path.name, [found.name for found in parent.glob("*.py")], n=1, cutoff=0.7)
        fix = f"netwright serve {parent / near[0]}" if near else "write one: app = App(), then @app.get('/')"
        raise Problem(f"no file {file}", where=str(path.absolute().parent), fix=fix)
    return path.resolve()


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise Problem(f"{path.name} is not a Python file", where=str(path), fix="its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise _syntax(error, path) from error
    except (ImportError, SystemExit) as error:
        raise _import(error, path) from error
    except Exception as error:  # the user's module may raise anything
        raise _raised(error, path) from error
    return module


def _syntax(error: SyntaxError, path: Path) -> Problem:
    where = f"{error.filename or path}:{error.lineno}"
    if error.text is not None and error.offset is not None:
        line = error.text.rstrip()
        stripped = line.lstrip()
        where += f"\n{stripped}\n{' ' * max(0, error.offset - 1 - (len(line) - len(stripped)))}^"
    return Problem(f"syntax error in {path.name}: {error.msg}", where=where)


def _import(error: ImportError | SystemExit, path: Path) -> Problem:
    if isinstance(error, SystemExit):
        fix = 'put what runs under: if __name__ == "__main__":'
        return Problem(f"{path.name} ended the process while it was loaded", where=place_of(error, path), fix=fix)
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    fix = f"{Path(sys.executable).name} -m pip install {missing.partition('.')[0]}" if missing else ""
    if missing is not None and missing.startswith("netwright."):
        fix = "check the name: this is not a module of netwright"
    return Problem(f"{path.name} cannot be imported: {error}", where=place_of(error, path), fix=fix)


def _raised(error: Exception, path: Path) -> Problem:
    what = f"{path.name} raised while it was loaded: {type(error).__name__}: {error}"
    return Problem(what, where=place_of(error, path), fix="it must load without serving: netwright serve starts it")


def place_of(error: BaseException, path: Path) -> str:
    """The last line of the user's own file that was running."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path}:{own[-1].lineno}\n{own[-1].line}" if own else str(path)


def _named(module: ModuleType, name: str, kind: type[T], path: Path) -> T:
    value = getattr(module, name, None)
    if isinstance(value, kind):
        return value
    fitting = [key for key, other in vars(module).items() if isinstance(other, kind)]
    near = difflib.get_close_matches(name, fitting, n=1) or fitting[:1]
    what = f"{path.name} has no {name}" if value is None else f"{name} in {path.name} is a {type(value).__name__}"
    raise Problem(
        what,
        where=str(path),
        why="an App wanted",
        fix=f"netwright serve {path.name}:{near[0]}" if near else "",
    )


def _none(module: ModuleType, kind: type[object], path: Path) -> Problem:
    what = f"no App in {path.name}"
    for name, value in vars(module).items():
        own = getattr(value, "__module__", None) == module.__name__
        if own and isinstance(value, type) and issubclass(value, kind):
            return Problem(what, where=str(path), why=f"{name} is a class, nothing makes one", fix=f"app = {name}()")
        if own and callable(value) and name in ("create_app", "make_app", "get_app", "build_app"):
            return Problem(what, where=str(path), why=f"{name}() is never called", fix=f"app = {name}()")
    return Problem(what, where=str(path), fix="from netwright.http import App; app = App()")
