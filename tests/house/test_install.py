"""The steps of an installation: told one line each; what was interrupted is never trusted."""

import os
import sys
from pathlib import Path

import pytest
from tools import install, installed, steps
from tools.steps import Step


def python(text: str, program: str) -> Step:
    return Step(text, [sys.executable, "-c", program])


@pytest.mark.real
def test_step_is_one_line_and_its_output_is_shown_only_if_it_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        steps.run_all([python("good", "print('noise')"), python("bad", "print('why'); exit(3)"), python("never", "")])
        == 3
    )
    good, bad, why = capsys.readouterr().out.splitlines()
    assert good.endswith(" s  good")
    assert bad.endswith(" s  bad failed with exit code 3")
    assert why == "why"


@pytest.mark.real
def test_last_line_of_a_step_may_stand_beside_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert steps.run_all([python("lint", "print('a'); print('3 files')")], last_line=True) == 0
    assert capsys.readouterr().out.endswith(" s  lint: 3 files\n")


@pytest.mark.real
def test_steps_run_at_once_and_a_failure_waits_for_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two processes that wait for each other's file end only if both run; nothing begins after the failure."""
    meet = "import sys, pathlib as p; p.Path('{}').touch()\nwhile not p.Path('{}').exists(): pass\nsys.exit({})"
    monkeypatch.chdir(tmp_path)
    todo = [python("one", meet.format("a", "b", 1)), python("two", meet.format("b", "a", 1)), python("three", "")]
    assert steps.run_all(todo, at_once=2) == 1
    assert {line.split()[2] for line in capsys.readouterr().out.splitlines()} == {"one", "two"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An empty project; what the steps would have run."""
    done: list[str] = []

    def run_all(todo: list[Step]) -> int:
        assert Path("build/.venv.unfinished").exists()
        done.extend(step.text.split()[0] for step in todo)
        return 0

    (tmp_path / "pyproject.toml").write_bytes(Path("pyproject.toml").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(install, "run_all", run_all)
    monkeypatch.setattr(install, "has_compiler", lambda: False)
    return done


def made() -> None:
    Path(".venv/bin").mkdir(parents=True)
    Path(".venv/bin/python").touch()


def test_first_installation_creates_then_fetches_then_installs(project: list[str]) -> None:
    assert install.main(Path(".venv")) == 0
    assert project == ["creating", "fetching", "installing"]
    assert not Path("build/.venv.unfinished").exists()


def test_later_installation_keeps_the_environment(project: list[str]) -> None:
    made()
    install.main(Path(".venv"))
    assert project == ["fetching", "installing"]


def test_extra_is_only_fetched(project: list[str]) -> None:
    made()
    install.main(Path(".venv"), "dev")
    assert project == ["fetching"]


@pytest.mark.parametrize("extra", ["", "dev"])
def test_environment_of_an_interrupted_installation_is_made_anew(project: list[str], extra: str) -> None:
    made()
    Path("build").mkdir()
    Path("build/.venv.unfinished").touch()
    install.main(Path(".venv"), extra)
    assert project[:3] == ["creating", "fetching", "installing"]


def test_failed_installation_stays_unfinished(project: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "run_all", lambda todo: 5)
    assert install.main(Path(".venv")) == 5
    assert Path("build/.venv.unfinished").exists()


def test_kernel_counts_as_built_when_it_is_newer_than_its_source(project: list[str]) -> None:
    for at, path in enumerate(
        ("src/netwright/aio/_a.pyx", "src/netwright/aio/_b.pyx", "build/editable/netwright/aio/_a.x.so")
    ):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()
        os.utime(path, (at, at))
    assert install.built() == 0.5


def test_compiled_modules_and_their_tests_are_found_by_the_patterns() -> None:
    assert {"netwright.proto.tcp.endpoint", "netwright.proto.tcp.congestion.cubic"} <= set(installed.modules())
    assert {"tests/proto/tcp", "tests/sim", "tests/twins"} <= set(installed.tests())
    assert "tests/proto/tcp/congestion" not in set(installed.tests())
