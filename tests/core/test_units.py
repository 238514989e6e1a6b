"""Numbers for people: one table, read by Python and by the page."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import netwright.console
from netwright.core.units import bits, count, seconds, size

CASES: dict[str, list[tuple[float, str]]] = json.loads(Path(__file__).with_name("unit_cases.json").read_text())
OURS: dict[str, Callable[[Any], str]] = {"bytes": size, "bits": bits, "seconds": seconds, "count": count}


@pytest.mark.parametrize("name", CASES)
def test_numbers_are_written_as_the_table_says(name: str) -> None:
    assert [(number, OURS[name](number)) for number, _ in CASES[name]] == [tuple(case) for case in CASES[name]]


@pytest.mark.real
@pytest.mark.skipif(shutil.which("node") is None, reason="no node to run the page's code")
def test_page_writes_numbers_as_the_table_says() -> None:
    module = Path(netwright.console.__path__[0]) / "static" / "format.js"
    script = f"""
        const format = await import({json.dumps(module.as_uri())});
        const cases = {json.dumps(CASES)};
        const told = Object.entries(cases).map(([name, rows]) => [name, rows.map(([n]) => [n, format[name](n)])]);
        console.log(JSON.stringify(Object.fromEntries(told)));
    """
    done = subprocess.run(
        ["node", "--experimental-default-type=module", "--input-type=module", "-e", script],
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert json.loads(done.stdout) == CASES


@given(st.floats(0, 1e9))
def test_no_number_of_a_duration_reaches_its_next_unit(length: float) -> None:
    text = seconds(length)
    assert len(text) <= 7 or text.endswith("d")
    assert not text.startswith(("1000 ", "100.0 "))
