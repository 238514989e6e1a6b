"""``netwright explain``."""

import pytest
from click.testing import CliRunner

from netwright.cli.group import netwright
from netwright.run.problem import Code


@pytest.mark.parametrize("code", Code)
def test_every_code_is_explained_with_cause_evidence_and_fix(code: Code) -> None:
    result = CliRunner().invoke(netwright, ["explain", code])
    assert result.exit_code == 0
    assert result.output.startswith(f"{code}: ")
    assert [line for line in result.output.splitlines() if line in ("cause", "evidence", "fix")] == [
        "cause",
        "evidence",
        "fix",
    ]


def test_short_and_lower_case_forms_are_understood() -> None:
    outputs = {CliRunner().invoke(netwright, ["explain", text]).output for text in ("bind-in-use", "NW-BIND-IN-USE")}
    assert len(outputs) == 1


def test_without_a_code_all_are_listed() -> None:
    lines = CliRunner().invoke(netwright, ["explain"]).output.splitlines()
    assert [line.split()[0] for line in lines] == list(Code)


def test_wrong_code_is_answered_with_the_near_one() -> None:
    result = CliRunner().invoke(netwright, ["explain", "NW-BIND-USED"])
    assert (result.exit_code, "netwright explain NW-BIND-IN-USE" in result.output) == (2, True)
