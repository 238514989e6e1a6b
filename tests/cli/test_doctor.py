"""``netwright doctor``."""

import json

import click
import pytest
from click.testing import CliRunner

from netwright.cli import doctor
from netwright.cli.checks import Check, Grade
from netwright.cli.group import netwright

GOOD = Check("sockets", "IPv6", Grade.GOOD, "on")
MISSING = Check("limits", "somaxconn", Grade.MISSING, "128", "bursts wait 1 s", "sysctl -w x=4096")


def test_table_shows_cost_and_fix_below_what_is_missing() -> None:
    lines = [line.strip() for line in click.unstyle(doctor.table([GOOD, MISSING])).splitlines()]
    assert lines[0].startswith("netwright ")
    assert lines[-5:] == [
        "✗ somaxconn  128",
        "bursts wait 1 s",
        "fix: sysctl -w x=4096",
        "",
        "1 missing of 2",
    ]


@pytest.mark.parametrize(("checks", "code"), [([GOOD], 0), ([GOOD, MISSING], 1)])
def test_exit_code_tells_whether_something_is_missing(
    checks: list[Check], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "run_checks", lambda: checks)
    result = CliRunner().invoke(netwright, ["doctor", "--json"])
    assert result.exit_code == code
    answer = json.loads(result.output)
    assert answer["schema"] == 1
    assert [check["name"] for check in answer["checks"]] == [check.name for check in checks]
