"""Filter words; the table of cases is run on the page's filter.js, too."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import netwright.console
from netwright.console.query import FilterError, parse_filter, parse_sort
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
        with pytest.raises(FilterError) as caught:
            parse_filter(text)
        assert 0 <= caught.value.start <= caught.value.end <= len(text)
    else:
        assert parse_filter(text)(ROW, NOW) is matches


@pytest.mark.real
@pytest.mark.skipif(shutil.which("node") is None, reason="no node to run the page's code")
def test_filter_of_the_page_agrees_with_the_table() -> None:
    module = Path(netwright.console.__path__[0]) / "static" / "filter.js"
    script = f"""
        const {{ parseFilter }} = await import({json.dumps(module.as_uri())});
        const [row, cases, now] = {json.dumps([ROW, CASES, NOW])};
        const run = (text) => {{
          try {{ return parseFilter(text)(row, now); }} catch (error) {{ return [error.start ?? String(error)]; }}
        }};
        console.log(JSON.stringify(cases.map(([text]) => [text, run(text)])));
    """
    done = subprocess.run(
        ["node", "--experimental-default-type=module", "--input-type=module", "-e", script],
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert json.loads(done.stdout) == [[text, [place(text)] if matches is None else matches] for text, matches in CASES]


def place(text: str) -> int:
    """The character at which a filter's error stands."""
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    return caught.value.start


@pytest.mark.parametrize(
    ("text", "start", "end", "said"),
    [
        ("svc:a rtt>abc", 10, 13, "character 11: abc is not a number: 50ms 2s 5m 1h"),
        ("in>", 3, 3, "character 4: a number is missing: 500 10k 1mb"),
        ("age>1kb", 5, 7, "character 6: age has no unit kb: 50ms 2s 5m 1h"),
        ("-in:5", 1, 3, "character 2: in is a number: in>500"),
        ("state>5", 0, 5, "character 1: state is text: state:…"),
        ("foo:x", 0, 3, "character 1: no column foo: state svc"),
        ("foo>1", 0, 3, "character 1: no number foo: age waited"),
        ('a subject:"b', 10, 12, "character 11: the quote is not closed"),
    ],
)
def test_error_names_its_place_and_what_is_allowed(text: str, start: int, end: int, said: str) -> None:
    with pytest.raises(FilterError, match=re.escape(said)) as caught:
        parse_filter(text)
    assert (caught.value.start, caught.value.end) == (start, end)


@given(st.text(alphabet='abin:<>=-" .05mskrtdexh', max_size=30))
def test_any_text_is_a_filter_or_an_error_at_its_place(text: str) -> None:
    try:
        test = parse_filter(text)
    except FilterError as error:
        places = [0, error.start, error.end, len(text)]
    else:
        places = []
        assert test(ROW, NOW) in (True, False)
    assert places == sorted(places)


@pytest.mark.parametrize(("name", "first"), [("in", 9), ("-in", 1), ("svc", 1), ("-svc", 9)])
def test_numbers_sort_the_largest_first_and_text_by_the_alphabet(name: str, first: int) -> None:
    rows = [row_of(values(bytes_in=n, service=f"s{n}"), 7, 0.0) for n in (4, 9, 1)]
    key, reverse = parse_sort(name)
    assert sorted(rows, key=lambda row: key(row, NOW), reverse=reverse)[0]["bytes_in"] == first


def test_sort_by_a_column_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(UsageError, match="no column 'colour'"):
        parse_sort("colour")
