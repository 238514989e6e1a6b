"""Find the service that a command line names; report whatever is wrong in one message, with a command that works.

A target is ``app.py``, ``app.py:name``, ``package.module`` or ``package.module:name``; the name is an attribute that
holds the service, or a function that makes it.
"""

import difflib
import importlib
import importlib.util
import inspect
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from netwright.cli.problem import Code, Problem
from netwright.run.source import place_of

__all__ = ["Found", "find"]

T = TypeVar("T")
_FACTORIES = ("create_app", "make_app", "get_app", "build_app", "make", "create")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """``name`` is the attribute that holds ``app``, or the function that made it; ``path`` is the program's file."""

    app: T
    name: str
    path: Path


def find(target: str, kind: type[T]) -> Found[T]:
    """Return the ``kind`` that ``target`` names; without a name the attribute ``app``, else the only one there is.

    Raises:
        Problem: there is no such file or module, it does not load, it holds none or several.
    """
    return _Search(target, kind).run()


class _Search(Generic[T]):
    """The search for the service of one target."""

    def __init__(self, target: str, kind: type[T]) -> None:
        split = ":" in target and not target.endswith(".py")
        self.source, _, name = target.rpartition(":") if split else (target, "", "")
        self.name, self.kind = name.removesuffix("()"), kind
        self.path = Path(self.source)

    def run(self) -> Found[T]:
        module = self._import() if self._is_module() else self._load()
        candidates = {key: value for key, value in vars(module).items() if isinstance(value, self.kind)}
        if self.name:
            return Found(self._named(module, candidates), self.name, self.path)
        if "app" in candidates:
            return Found(candidates["app"], "app", self.path)
        distinct = {id(value): key for key, value in reversed(candidates.items())}
        if len(distinct) == 1:
            (key,) = distinct.values()
            return Found(candidates[key], key, self.path)
        if not distinct:
            raise self._none(module)
        names = sorted(distinct.values())
        raise Problem(
            f"{len(names)} services in {self.source}: {', '.join(names)}",
            code=Code.APP_NAME,
            where=str(self.path),
            why="none of them is named app",
            fix=self._serve(names[0]),
        )

    def _serve(self, name: str = "", source: str = "") -> str:
        return f"netwright serve {shlex.quote(source or self.source)}{f':{name}' if name else ''}"

    # the source

    def _is_module(self) -> bool:
        """True if ``source`` is a module's name: no such file exists, and its parts are Python names."""
        parts = self.source.split(".")
        return not self.path.exists() and self.path.suffix != ".py" and all(part.isidentifier() for part in parts)

    def _import(self) -> ModuleType:
        sys.path.insert(0, str(Path.cwd()))
        try:
            module = importlib.import_module(self.source)
        except ModuleNotFoundError as error:
            if error.name and (self.source == error.name or self.source.startswith(f"{error.name}.")):
                raise self._no_module(error.name) from error
            raise self._not_imported(error) from error
        except SyntaxError as error:
            raise self._syntax(error) from error
        except (ImportError, SystemExit) as error:
            raise self._not_imported(error) from error
        except Exception as error:  # the user's module may raise anything
            raise self._raised(error) from error
        self.path = Path(getattr(module, "__file__", None) or self.source).resolve()
        return module

    def _no_module(self, missing: str) -> Problem:
        parent = Path(*missing.split(".")[:-1])
        near = difflib.get_close_matches(
            missing.rpartition(".")[2], [found.stem for found in parent.glob("*.py")], n=1, cutoff=0.6
        )
        fix = self._serve("app", ".".join((*parent.parts, *near))) if near else self._write_one()
        return Problem(
            f"no module {missing}", code=Code.APP_NOT_FOUND, where=f"{Path.cwd()} and the installed packages", fix=fix
        )

    def _load(self) -> ModuleType:
        self.path = self._file()
        spec = importlib.util.spec_from_file_location(self.path.stem, self.path)
        if spec is None or spec.loader is None:
            fix = "its name must end in .py"
            raise Problem(f"{self.source} is not a Python file", code=Code.APP_LOAD, where=str(self.path), fix=fix)
        module = importlib.util.module_from_spec(spec)
        sys.path.insert(0, str(self.path.parent))
        sys.modules[self.path.stem] = module
        try:
            spec.loader.exec_module(module)
        except SyntaxError as error:
            raise self._syntax(error) from error
        except (ImportError, SystemExit) as error:
            raise self._not_imported(error) from error
        except Exception as error:  # the user's module may raise anything
            raise self._raised(error) from error
        return module

    def _file(self) -> Path:
        if self.path.is_dir():
            inside = [self.path / name for name in ("app.py", "main.py") if (self.path / name).is_file()]
            fix = self._serve(source=str(inside[0])) if inside else "name the file that holds the App"
            raise Problem(f"{self.source} is a directory", code=Code.APP_NOT_FOUND, fix=fix)
        if self.path.is_file():
            return self.path.resolve()
        parent = self.path.parent if self.path.parent.is_dir() else Path()
        near = difflib.get_close_matches(self.path.name, [f.name for f in parent.glob("*.py")], n=1, cutoff=0.7)
        fix = self._serve(source=str(parent / near[0])) if near else self._write_one()
        raise Problem(
            f"no file {self.source}", code=Code.APP_NOT_FOUND, where=str(self.path.absolute().parent), fix=fix
        )

    def _write_one(self) -> str:
        """Return a command that writes the smallest program and serves it; it overwrites nothing."""
        wanted = self.path if self.path.suffix == ".py" and self.path.parent.is_dir() else Path("hello.py")
        if wanted.exists():
            return self._serve(source=str(wanted))
        file = shlex.quote(str(wanted))
        return f"echo 'from netwright import App; app = App()' > {file} && netwright serve {file}"

    # what went wrong while it was loaded

    def _syntax(self, error: SyntaxError) -> Problem:
        where = f"{error.filename or self.path}:{error.lineno}"
        if error.text is not None and error.offset is not None:
            line = error.text.rstrip()
            stripped = line.lstrip()
            where += f"\n{stripped}\n{' ' * max(0, error.offset - 1 - (len(line) - len(stripped)))}^"
        return Problem(f"syntax error in {self.source}: {error.msg}", code=Code.APP_LOAD, where=where)

    def _not_imported(self, error: ImportError | SystemExit) -> Problem:
        where = place_of(error, self.path)
        if isinstance(error, SystemExit):
            fix = 'put what runs under: if __name__ == "__main__":'
            what = f"{self.source} ended the process while it was loaded"
            return Problem(what, code=Code.APP_LOAD, where=where, fix=fix)
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        fix = f"{Path(sys.executable).name} -m pip install {missing.partition('.')[0]}" if missing else ""
        if missing is not None and missing.startswith("netwright."):
            fix = "check the name: this is not a module of netwright"
        if type(error) is ImportError and error.name is None:  # a relative import, without a package
            fix = f"name it as a module: {self._serve(self.name, f'{self.path.parent.name}.{self.path.stem}')}"
        return Problem(f"{self.source} cannot be imported: {error}", code=Code.APP_LOAD, where=where, fix=fix)

    def _raised(self, error: Exception) -> Problem:
        what = f"{self.source} raised while it was loaded: {type(error).__name__}: {error}"
        fix = 'load without serving: put what serves under if __name__ == "__main__":'
        return Problem(what, code=Code.APP_LOAD, where=place_of(error, self.path), fix=fix)

    # what it holds

    def _named(self, module: ModuleType, candidates: dict[str, T]) -> T:
        value = getattr(module, self.name, None)
        if isinstance(value, self.kind):
            return value
        if value is not None and callable(value):
            return self._made_by(value)
        near = difflib.get_close_matches(self.name, candidates, n=1) or list(candidates)[:1]
        near = near or [name for name in (*_FACTORIES,) if callable(getattr(module, name, None))][:1]
        what = f"no {self.name} in {self.source}"
        if value is not None:
            what = f"{self.name} in {self.source} is of type {type(value).__name__}"
        fix = self._serve(near[0]) if near else self._app_line(module)
        raise Problem(what, code=Code.APP_NAME, where=str(self.path), why="an App or a Service is required", fix=fix)

    def _made_by(self, factory: object) -> T:
        """Call the user's function."""
        assert callable(factory)
        what = ""
        if inspect.iscoroutinefunction(factory):
            what = f"{self.name}() is async"
        else:
            try:
                made = factory()
            except Exception as error:  # the user's function may raise anything
                what = f"{self.name}() in {self.source} raised {type(error).__name__}: {error}"
                raise Problem(what, code=Code.APP_LOAD, where=place_of(error, self.path)) from error
            if isinstance(made, self.kind):
                return made
            what = f"{self.name}() returned {type(made).__name__}"
        fix = "return an App from a function without parameters; do what must be awaited in @app.on_start"
        raise Problem(what, code=Code.APP_NAME, where=str(self.path), why="an App or a Service is required", fix=fix)

    def _none(self, module: ModuleType) -> Problem:
        what, where = f"no App in {self.source}", str(self.path)
        for name, value in vars(module).items():
            own = getattr(value, "__module__", None) == module.__name__
            if own and isinstance(value, type) and issubclass(value, self.kind):
                return Problem(what, code=Code.APP_NAME, where=where, why=f"{name} is a class", fix=self._serve(name))
            if own and callable(value) and name in _FACTORIES:
                return Problem(what, code=Code.APP_NAME, where=where, why=f"{name}() makes one", fix=self._serve(name))
        return Problem(what, code=Code.APP_NAME, where=where, fix=self._app_line(module))

    def _app_line(self, module: ModuleType) -> str:
        has = "App" in vars(module)
        return f"add to {self.path.name}: {'' if has else 'from netwright import App; '}app = App()"
