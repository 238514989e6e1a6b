from pathlib import Path

import pytest

from netwright.core.errors import UsageError
from netwright.testing.drill.outcome import Outcome, Verdict
from netwright.testing.drill.suite import Counts, Entry, Result, Scope, count, find, play, read_list

LISTS = sorted(Path("tests/corpora/drill").glob("*.list"))
PASSES = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
FAILS = PASSES + "+0 > S 0:0(0)\n"


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    for name, text in (("a/one.pkt", PASSES), ("a/two.pkt", FAILS), ("b/three.drill", PASSES), ("b/notes.txt", "")):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_scripts_below_a_directory_are_named_from_there(scripts: Path) -> None:
    assert [name for name, _ in find([scripts])] == ["a/one.pkt", "a/two.pkt", "b/three.drill"]
    assert [name for name, _ in find([scripts / "b/three.drill"])] == ["three.drill"]
    with pytest.raises(UsageError, match="nowhere"):
        list(find([scripts / "nowhere"]))


def test_the_first_line_that_matches_decides(scripts: Path) -> None:
    entries = read_list("# comment\na/two.pkt out fastopen\na/* in  # it is about TCP\n")
    results = list(play(find([scripts]), entries))
    assert [(result.name, result.entry.scope) for result in results] == [("a/one.pkt", "in"), ("a/two.pkt", "out")]
    assert [result.outcome for result in results] == [Outcome(Verdict.PASSED), None]


def test_what_differs_is_played_and_never_passes(scripts: Path) -> None:
    results = list(play(find([scripts]), read_list("a/* differs RFC 0 §0\n* in\n")))
    assert count(results) == Counts(passed=1, failed=0, unsupported=0, differing=2, out=0)
    assert count(results).share == pytest.approx(1 / 3)


def test_every_verdict_has_its_count() -> None:
    entry = Entry("*", Scope.IN)
    results = [Result("x", entry, Outcome(verdict)) for verdict in Verdict] + [Result("y", entry, None)]
    assert count(results) == Counts(1, 1, 1, 0, 1)
    assert count([]).share == 0.0


@pytest.mark.parametrize("line", ["a.pkt", "a.pkt maybe", "a.pkt out", "a.pkt differs"])
def test_a_line_without_scope_or_reason_is_refused_by_number(line: str) -> None:
    with pytest.raises(UsageError, match="line 2"):
        read_list(f"* in\n{line}\n")


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_committed_lists_can_be_read_and_excuse_in_one_word(path: Path) -> None:
    entries = read_list(path.read_text())
    assert {entry.scope for entry in entries} >= {Scope.IN}
    assert all(len(entry.reason.split()) == 1 for entry in entries if entry.scope is Scope.OUT)
