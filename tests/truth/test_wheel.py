"""The sdist, and a wheel for each interpreter: installed in an environment of its own, it serves elsewhere."""

import os
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools.compiler import has_compiler
from tools.first_start import answers, free_port
from tools.installed import modules

pytestmark = [pytest.mark.truth, pytest.mark.timeout(900)]
PIP = ("-m", "pip", "-q", "--disable-pip-version-check")
PROGRAM = """
from netwright import App, Request
app = App()

@app.get("/")
async def hello(request: Request) -> str:
    return "hello"
"""
TELL = "from netwright import __version__; from netwright._native import compiled; print(__version__, *compiled())"


def interpreters() -> Iterator[str]:
    """Every Python from 3.11 to 3.14 on this machine that can make environments, one a version."""
    seen = set()
    folders = [*os.environ["PATH"].split(os.pathsep), *map(str, Path.home().glob(".pyenv/versions/*/bin"))]
    for folder in folders:
        for minor in range(11, 15):
            path = Path(folder, f"python3.{minor}")
            if (
                minor not in seen
                and path.exists()
                and _run([str(path), "-c", "import ensurepip, venv"]).returncode == 0
            ):
                seen.add(minor)
                yield str(path)


def _run(command: list[str], **more: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        command, env={**environment, **more}, capture_output=True, text=True, timeout=600, check=False
    )


def done(*command: str, **more: str) -> str:
    """Output of a command that must succeed."""
    run = _run([*command], **more)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.fixture(scope="module", params=[*interpreters()] or [sys.executable])
def python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An empty environment's interpreter."""
    folder = tmp_path_factory.mktemp("environment")
    done(request.param, "-m", "venv", str(folder))
    return str(folder / "bin/python")


@pytest.fixture(scope="module")
def wheel(python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``pip wheel .`` makes, of a copy: the tree's own build may be in use."""
    copy, folder = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    names = done("git", "ls-files", "-co", "--exclude-standard").splitlines()
    done("tar", "cf", str(copy / "all.tar"), *[name for name in names if Path(name).is_file()])
    with tarfile.open(copy / "all.tar") as archive:
        archive.extractall(copy, filter="data")
    done(python, *PIP, "wheel", "--no-deps", "-w", str(folder), str(copy))
    (made,) = folder.glob("*.whl")
    return made


def test_wheel_holds_the_package_and_what_is_compiled(wheel: Path) -> None:
    """No C, no Cython source, no test, no tool; an extension beside the source of every module that mypyc compiles."""
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"netwright"}
    assert not [name for name in names if name.endswith((".c", ".pyx", ".pxd", ".h")) or "tests" in name.split("/")]
    assert wheel.stat().st_size < 4_000_000
    if has_compiler():
        beside = {name.partition(".")[0].replace("/", ".") for name in names if name.endswith(".so")}
        assert set(modules()) <= beside


def test_installed_wheel_serves_outside_of_the_repository(python: str, wheel: Path, tmp_path: Path) -> None:
    done(python, *PIP, "install", "--force-reinstall", str(wheel))
    version, *on = done(python, "-c", TELL).split()
    assert version in wheel.name
    assert set(modules()) <= set(on) or not has_compiler()
    assert done(python, "-c", TELL, NETWRIGHT_PURE="1").split() == [version]
    (tmp_path / "app.py").write_text(PROGRAM)
    port, console = free_port(), free_port()
    command = [str(Path(python).with_name("netwright")), "serve", "app.py", "--bind", f"127.0.0.1:{port}"]
    with subprocess.Popen([*command, "--console", f"127.0.0.1:{console}"], cwd=tmp_path) as process:
        try:
            until = time.monotonic() + 30
            while not answers(port):
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.02)
        finally:
            process.terminate()
            assert process.wait(20) == 0


def test_sdist_builds_and_a_wheel_is_built_of_it(tmp_path: Path) -> None:
    """What is missing from the archive would be missing from every installation without a wheel."""
    program = "import sys, tools.backend as b; print(b.build_sdist(sys.argv[1]))"
    name = done(sys.executable, "-c", program, str(tmp_path)).split()[-1]
    with tarfile.open(tmp_path / name) as archive:
        names = {entry.partition("/")[2] for entry in archive.getnames()}
        archive.extractall(tmp_path, filter="data")
    sources = {str(path) for suffix in ("py", "pyi", "pyx", "pxd") for path in Path("src").rglob(f"*.{suffix}")}
    assert {"setup.py", "tools/backend.py", "tools/compiler.py", *sources} <= names
    assert not [entry for entry in names if entry.endswith(".c")]
    done(sys.executable, *PIP, "wheel", "--no-build-isolation", "--no-deps", "-w", str(tmp_path), str(tmp_path / name))
    (wheel,) = tmp_path.glob("*.whl")
    assert "netwright/aio/_stream.pyi" in zipfile.ZipFile(wheel).namelist()
