"""Filter words; the table of cases is run on the page's filter.js, too."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import netwright.console
from netwright.console.query import parse_filter, parse_sort
from netwright.console.view import Row, row_of
from netwright.core.errors import UsageError
from netwright.core.record import Exchange
from tests.support.records import values

CASES: list[tuple[str, bool | None]] = json.loads(Path(__file__).with_name("filter_cases.json").read_text())
NOW = 1012.0
ROW: Row = row_of(
    values(
        service="echo",
        peer="10.0.0.7:50000",
        started_at=2.0,
        bytes_in=1500,
        messages=3,
        waiting="peer to read",
        waiting_since=10.0,
        send_waited=7.0,
        exchanges=[Exchange(9.0, 9.0, 9.5, "GET /slow", 200)],
    ),
    7,
    1000.0,
)
ROW |= {"tcp": "CLOSE_WAIT", "rtt": 0.025, "cwnd": 10, "rtx": 3, "unread": 0, "unsent": 2000}


@pytest.mark.parametrize(("text", "matches"), CASES)
def test_filter_matches_as_the_table_says(text: str, matches: bool | None) -> None:
    if matches is None:
        with pytest.raises(UsageError, match=r"no (column|number)"):
            parse_filter(text)
    else:
        assert parse_filter(text)(ROW, NOW) is matches


@pytest.mark.real
@pytest.mark.skipif(shutil.which("node") is None, reason="no node to run the page's code")
def test_filter_of_the_page_agrees_with_the_table() -> None:
    module = Path(netwright.console.__path__[0]) / "static" / "filter.js"
    script = f"""
        const {{ parseFilter }} = await import({json.dumps(module.as_uri())});
        const [row, cases, now] = {json.dumps([ROW, CASES, NOW])};
        const run = (text) => {{ try {{ return parseFilter(text)(row, now); }} catch {{ return null; }} }};
        console.log(JSON.stringify(cases.map(([text]) => [text, run(text)])));
    """
    done = subprocess.run(
        ["node", "--experimental-default-type=module", "--input-type=module", "-e", script],
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert json.loads(done.stdout) == CASES


@pytest.mark.parametrize(("name", "first"), [("in", 9), ("-in", 1), ("svc", 1), ("-svc", 9)])
def test_numbers_sort_the_largest_first_and_text_by_the_alphabet(name: str, first: int) -> None:
    rows = [row_of(values(bytes_in=n, service=f"s{n}"), 7, 0.0) for n in (4, 9, 1)]
    key, reverse = parse_sort(name)
    assert sorted(rows, key=lambda row: key(row, NOW), reverse=reverse)[0]["bytes_in"] == first


def test_sort_by_a_column_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(UsageError, match="no column 'colour'"):
        parse_sort("colour")
