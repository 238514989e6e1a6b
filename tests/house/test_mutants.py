"""Planted faults: each kind is made, drawn by seed, judged by the nearest tests; the tree stays as it was."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tools import mutants
from tools.faults import Fault, compiles, faults

SOURCE = b'''"""Text > 1."""
LIMIT = 10


class Box:
    """Text."""

    def put(self, size: int) -> bool:
        """Text < 1."""
        if size > LIMIT and self.open:
            raise ValueError(f"{size + 1} > 10")
        try:
            self.count += size
            add(self, size)
        except (KeyError, OSError):
            return False
        self.left = None
        for one in self.items:
            if one is None:
                continue
        return min(size, 1.5) == 3 or True
'''


def made(source: bytes, path: str = "a.py") -> set[tuple[str, str]]:
    """Kinds, with the line that each makes."""
    result = set()
    for fault in faults(path, source):
        lines = fault.diff(source).splitlines()[3:]
        result.add((fault.kind, next((line[1:].strip() for line in lines if line.startswith("+")), "")))
    return result


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("boundary", "if size >= LIMIT and self.open:"),
        ("comparison", "if size < LIMIT and self.open:"),
        ("comparison", "if one is not None:"),
        ("logic", "if size > LIMIT or self.open:"),
        ("negation", "if not (size > LIMIT and self.open):"),
        ("constant", "LIMIT = 11"),
        ("constant", "LIMIT = 9"),
        ("constant", "return min(size, 3.0) == 3 or True"),
        ("constant", "return min(size, 1.5) == 3 or False"),
        ("dropped", "pass"),
        ("reset", "pass"),
        ("except", "except ():"),
        ("arguments", "add(size, self)"),
        ("twin", "return max(size, 1.5) == 3 or True"),
        ("jump", "break"),
        ("early return", "return"),
    ],
)
def test_kind_of_fault_is_made(kind: str, line: str) -> None:
    source = (
        SOURCE.replace(b"        try:", b"        self.left = None\n        try:") if kind == "early return" else SOURCE
    )
    assert (kind, line) in made(source)


def test_texts_stay_as_they_are() -> None:
    assert not any('"' in line for _, line in made(SOURCE))


def test_faults_that_python_refuses_are_known() -> None:
    broken = [fault for fault in faults("a.py", SOURCE) if not compiles(fault, SOURCE)]
    assert [fault.kind for fault in broken] == []
    assert not compiles(Fault("a.py", "x", 0, 0, b"if"), SOURCE)


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        ("a.pyx", b"    if size > 3:  # > 4\n", ("boundary", "if size >= 3:  # > 4")),
        ("a.pyx", b"    self.waiter = None\n", ("reset", "pass")),
        ("a.pyx", b"    except OSError as error:\n", ("except", "except FloatingPointError as error:")),
        ("a.pyx", b"    if a and b:\n", ("negation", "if not (a and b):")),
        ("a.js", b"  if (a === 1 && ok(b)) go();\n", ("negation", "if (!(a === 1 && ok(b))) go();")),
        ("a.js", b"  draw(row);\n", ("dropped", ";")),
        ("a.js", b"  return a > b ? one : two;\n", ("branches", "return a > b ? two : one;")),
    ],
)
def test_other_languages_are_changed_by_lines(path: str, source: bytes, expected: tuple[str, str]) -> None:
    assert expected in made(source, path)


def test_comments_and_texts_of_other_languages_stay() -> None:
    assert not made(b'    # a > 1\n"""\nx > 1\n"""\n', "a.pyx")
    assert not made(b"// a > 1\n", "a.js")
    assert not any("2" in line for _, line in made(b"say('1 > 1');\n", "a.js"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a limit whose boundary is tested, and a counter that is not."""
    monkeypatch.chdir(tmp_path)
    files = {
        "src/netwright/__init__.py": "",
        "src/netwright/core/__init__.py": "",
        "src/netwright/core/box.py": "def fits(size: int) -> bool:\n    return size <= 10\n",
        "src/netwright/core/idle.py": "def count(box: list[int]) -> None:\n    box.append(7)\n",
        "tests/core/test_box.py": (
            "from netwright.core.box import fits\n\n"
            "def test_fits() -> None:\n    assert fits(10)\n    assert not fits(11)\n"
        ),
        "tests/core/test_idle.py": (
            "from netwright.core import idle\n\ndef test_idle() -> None:\n    assert idle.count([]) is None\n"
        ),
        "tests/core/test_always_red.py": "def test_red() -> None:\n    assert False\n",
        "tests/http/test_far.py": "import netwright.core.box\n",
        "conftest.py": "from hypothesis import settings\nsettings.register_profile('quick', max_examples=1)\n",
        "pyproject.toml": '[tool.pytest.ini_options]\nmarkers = ["truth: t"]\n',
    }
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    subprocess.run(["git", "init", "-q"], check=True)
    return tmp_path


def test_nearest_tests_come_first_and_no_test_twice(project: Path) -> None:
    assert mutants.stages("src/netwright/core/box.py") == [
        ["tests/core/test_box.py"],
        ["tests/core/test_always_red.py", "tests/core/test_idle.py", "tests/http/test_far.py"],
    ]
    assert mutants.stages("src/netwright/core/idle.py")[1] == [
        "tests/core/test_always_red.py",
        "tests/core/test_box.py",
    ]


def test_same_seed_draws_the_same(project: Path) -> None:
    names = mutants.chosen([], "")
    assert names == sorted(str(path) for path in Path("src").rglob("*.py"))
    assert mutants.drawn(names, 3, 1) == mutants.drawn(names, 3, 1)
    assert len(mutants.drawn(names, 99, 1)) == len(set(mutants.drawn(names, 99, 2)))


@pytest.mark.real
def test_caught_faults_name_their_test_and_survivors_are_listed(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A test that is red without the fault catches nothing."""
    before = {path: path.read_bytes() for path in Path("src").rglob("*.py")}
    monkeypatch.setattr(sys, "argv", ["mutants", "-n", "20", "--jobs", "2", "--json", "result.json"])
    assert mutants.main() == 0
    result = json.loads(Path("result.json").read_text())
    assert result["faults"] == result["caught"] + len(result["survivors"])
    assert {kind.split(":")[2] for kind in result["found_by"]} == {"boundary", "comparison", "constant"}
    assert set(result["found_by"].values()) == {"tests/core/test_box.py::test_fits"}
    assert {one["path"] for one in result["survivors"]} == {"src/netwright/core/idle.py"}
    assert "+    box.append(8)" in capsys.readouterr().out
    assert before == {path: path.read_bytes() for path in Path("src").rglob("*.py")}
    assert not Path("build/mutants").exists()


@pytest.mark.real
def test_fault_that_hangs_is_caught_by_the_timeout(project: Path) -> None:
    box, test = Path("src/netwright/core/box.py"), Path("tests/core/test_box.py")
    box.write_text("def fits(size: int) -> bool:\n    while size > 10:\n        size = 0\n    return True\n")
    test.write_text("from netwright.core.box import fits\n\ndef test_fits() -> None:\n    fits(11)\n")
    source = box.read_bytes()
    start = source.index(b"size = 0")
    copy = mutants.Copy(project / "copy", timeout=3)
    copy.make()
    verdict = copy.judge(Fault(str(box), "dropped", start, start + 8, b"pass"))
    assert verdict.found_by == "timeout"
    assert (project / "copy" / box).read_bytes() == source


@pytest.mark.real
def test_stop_kills_what_runs(project: Path) -> None:
    copy = mutants.Copy(project, timeout=50)
    threading.Timer(0.3, copy.stop).start()
    with pytest.raises(mutants.InterruptedRunError):
        copy.run("-c", "import time; time.sleep(40)")
