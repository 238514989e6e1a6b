import json
from io import StringIO
from pathlib import Path

from netwright.testing.drill.command import main
from tests.testing.drill.test_suite import FAILS, PASSES


def run(*arguments: str | Path) -> tuple[int, str, str]:
    output, progress = StringIO(), StringIO()
    code = main([str(argument) for argument in arguments], output, progress)
    return code, output.getvalue(), progress.getvalue()


def test_each_script_that_did_not_pass_is_told_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "good.pkt").write_text(PASSES)
    (tmp_path / "bad.pkt").write_text(FAILS)
    code, output, _ = run(tmp_path)
    assert code == 1
    assert output.splitlines()[0] == "failed      bad.pkt  line 2: at 0.0040 s: nothing was sent by 0.0040 s"
    assert output.splitlines()[1].startswith("1 passed, 1 failed, 0 unsupported, 0 differ: 50.0 % passed")
    assert run(tmp_path, "--at-least", "0.5")[0] == 0


def test_the_same_as_json(tmp_path: Path) -> None:
    (tmp_path / "good.pkt").write_text(PASSES)
    (tmp_path / "bad.pkt").write_text(FAILS)
    (tmp_path / "x.list").write_text("bad.pkt differs RFC 0 §0\ngood.pkt out because\n")
    code, output, _ = run(tmp_path, "--list", tmp_path / "x.list", "--json")
    told = json.loads(output)
    assert code == 1
    assert (told["differing"], told["out"], told["share"], told["unlisted"]) == (1, 1, 0.0, 0)
    assert [script["verdict"] for script in told["scripts"]] == ["differs", "out"]
    assert told["scripts"][0]["reason"].startswith("RFC 0 §0 [line 2")


def test_a_wrong_path_or_list_is_told_and_is_no_verdict(tmp_path: Path) -> None:
    assert run(tmp_path / "nowhere")[0] == 2
    assert run(tmp_path, "--list", tmp_path / "nowhere")[0] == 2
    (tmp_path / "x.list").write_text("all of them\n")
    code, _, progress = run(tmp_path, "--list", tmp_path / "x.list")
    assert (code, "line 1" in progress) == (2, True)


def test_progress_is_told_where_it_takes_long(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"{number}.pkt").write_text(PASSES)
    assert run(tmp_path)[2] == "drill: 200 of 200 scripts\n"
