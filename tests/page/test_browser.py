"""The console's page in a browser: widths, themes, keys, history, places, errors, deaths, hostile names."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from netwright.proto.feed import Record
from netwright.run.holder import free_port
from tests.support.browser import chromium
from tests.support.desk import Desk, Worker, clock, desk, eventually
from tests.support.records import values

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.real
WIDTHS = {1440: 860, 1100: 800, 900: 700, 768: 1024, 390: 844}
BEST = "waits for · why it ended"
CONTRAST = Path(__file__).with_name("contrast.js").read_text()


def record(number: int, *, age: float = 5.0, **changes: Any) -> Record:
    """A connection that has been open for ``age`` seconds."""
    begun = clock() - age
    peer = f"10.0.{number // 250}.{number % 250}:{50_000 + number}"
    told = {"number": number, "peer": peer, "started_at": begun, "opened_at": begun, "waiting_since": begun, **changes}
    return values(**{"waiting": "next request", "protocol": "http/1.1", **told})


def closed(number: int, *, outcome: str = "closed", age: float = 5.0, text: str = "") -> Record:
    return record(number, age=age, outcome=outcome, text=text, closed_at=clock() - age / 2, waiting="")


def crowd(worker: Worker, count: int = 60) -> None:
    """Live connections of two services, and some of each end."""
    live = [record(n, age=count - n + 5, service="echo" if n % 3 else "http") for n in range(1, count + 1)]
    live += [record(count + 1, service="http", waiting="peer to read", waiting_since=clock() - 3)]
    ends = ("closed", "peer-closed", "reset", "deadline", "protocol-error", "handler-error", "limit")
    over = [closed(count + 2 + n, outcome=outcome, text=f"{outcome}, said at length") for n, outcome in enumerate(ends)]
    worker.tell(live, over)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as found:
        yield found


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nw") as made:  # short: a Unix socket's path has 107 bytes
        yield Path(made)


@pytest.fixture
def console(place: Path) -> Iterator[Desk]:
    with desk(place) as made:
        yield made


@pytest.fixture
def page(browser: "Browser", console: Desk) -> Iterator["Page"]:
    context = browser.new_context(viewport={"width": 1440, "height": 860}, color_scheme="dark")
    made = context.new_page()
    made.set_default_timeout(10_000)
    faults: list[str] = []
    made.on("pageerror", lambda error: faults.append(f"{error.message} {error.stack}"))
    made.on("console", lambda told: faults.append(told.text) if "Failed to load" not in told.text else None)
    yield made
    context.close()
    assert faults == []


def opened(page: "Page", console: Desk, query: str = "") -> None:
    """The page with its first rows, logged in by the printed URL."""
    page.goto(f"{console.url}{query.replace('?', '&')}")
    page.wait_for_selector("#rows .row:not([hidden])")


def shown(page: "Page") -> list[str]:
    """Ids of the rows in the table, as far as they are drawn, from top to bottom."""
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('#rows .row:not([hidden])')]"
        ".sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top).map((row) => row.dataset.id)"
    )
    return found


def text(page: "Page", selector: str) -> str:
    found: str = page.locator(selector).inner_text()  # without Playwright its types are unknown
    return found


def says(page: "Page", selector: str, words: str) -> None:
    """Wait for ``words``: the page draws with its next frame."""
    eventually(lambda: words in (page.locator(selector).text_content() or ""))


# widths and themes


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_width_shows_the_best_column_and_nothing_is_cut_blank_or_faint(
    page: "Page", console: Desk, theme: Any
) -> None:
    crowd(console.worker())
    page.emulate_media(color_scheme=theme)
    opened(page, console)
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        for opening in (False, True):
            if opening:
                page.keyboard.press("j")
                page.keyboard.press("Enter")
                page.wait_for_selector("#life-bars svg text")
            page.wait_for_timeout(150)
            where = f"{width} px, {theme}, life {'open' if opening else 'closed'}"
            assert page.evaluate("document.documentElement.scrollWidth") <= width, where
            assert page.evaluate(OUTSIDE) == [], where
            found = page.evaluate(CONTRAST)
            assert found["low"] == [], where
            assert found["seen"] > 30, where
            if not opening or width > 950:
                columns = page.locator("#head [role=columnheader]").all_inner_texts()
                assert BEST in columns, where
                cell = page.locator("#rows .row:not([hidden]) > span:last-child").first.bounding_box()
                assert cell is not None
                assert cell["width"] >= 170, where
                assert cell["x"] + cell["width"] <= width, where
        page.keyboard.press("Escape")
        page.wait_for_selector("#life", state="hidden")


OUTSIDE = """[...document.querySelectorAll('body *')].filter((element) => {
    const box = element.getBoundingClientRect();
    return box.width && box.height && (box.right > innerWidth + 1 || box.left < -1)
        && element.checkVisibility() && !element.closest('svg, nav');
}).map((element) => element.outerHTML.slice(0, 80))"""


CUT = """[...document.querySelectorAll('.chart h2 > *, .plain .n')].filter((e) =>
    e.scrollWidth > e.clientWidth || (e.matches('.n') && getComputedStyle(e).whiteSpace !== 'nowrap'))"""
LONGEST = {"now-rtt": "999 µs · worst 99.9 ms", "now-throughput": "99.9 in · 99.9 out Mbit/s", "now-messages": "999/s"}


@pytest.mark.parametrize("name", ["services", "findings", "workers"])
def test_every_width_shows_numbers_whole_and_each_page_without_a_cut(page: "Page", console: Desk, name: str) -> None:
    worker = console.worker()
    crowd(worker)
    worker.tell([record(1, bytes_in=999_900_000, bytes_out=999_900_000, messages=9999)])
    page.goto(f"{console.url}&page={name}")
    page.wait_for_selector(f"#page-{name} tbody tr")
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(100)
        for chart, longest in LONGEST.items():
            page.evaluate(f"document.getElementById('{chart}').textContent = '{longest}'")
        assert page.evaluate(f"{CUT}.map((e) => e.textContent)") == [], width
        assert page.evaluate(OUTSIDE) == [], width


def test_a_filter_that_nothing_matches_is_named_and_an_empty_axis_has_round_numbers(
    page: "Page", console: Desk
) -> None:
    crowd(console.worker(), 5)
    page.goto(f"{console.url}&filter=svc:nobody")
    says(page, "#empty", "no connection matches svc:nobody")
    eventually(lambda: page.locator("#chart-throughput svg text").count() > 0)
    marks = page.locator("#chart-throughput svg text[text-anchor=end]:not(.since)").all_text_contents()
    assert marks == ["0 bit/s", "500 bit/s", "1 kbit/s"]


def test_theme_follows_the_system_until_it_is_chosen_and_the_choice_is_remembered(page: "Page", console: Desk) -> None:
    crowd(console.worker(), 5)
    opened(page, console)
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.emulate_media(color_scheme="light")
    light = page.evaluate(ground)
    assert dark != light
    page.keyboard.press("t")  # light
    page.keyboard.press("t")  # dark
    assert page.evaluate(ground) == dark
    page.reload()
    page.wait_for_selector("#rows .row:not([hidden])")
    assert page.evaluate(ground) == dark
    page.locator("#theme").click()  # the system's again
    assert page.evaluate(ground) == light


# keys


def test_row_that_the_keys_select_is_in_sight_below_the_head_and_above_the_edge(page: "Page", console: Desk) -> None:
    """A row that is selected and cannot be seen looks like a key that does nothing."""
    crowd(console.worker())
    opened(page, console)
    eventually(lambda: len(shown(page)) > 5)
    here = page.locator("#rows .here")

    def is_in_sight() -> bool:
        row, box = here.bounding_box(), page.locator("#page-connections").bounding_box()
        if row is None or box is None:
            return False
        inside: bool = box["y"] + row["height"] <= row["y"] <= box["y"] + box["height"] - row["height"]
        return inside

    for key, presses in (("j", 45), ("k", 40)):
        for _ in range(presses):
            page.keyboard.press(key)
        eventually(is_in_sight)


def test_keyboard_alone_filters_selects_opens_steps_and_closes(page: "Page", console: Desk) -> None:
    crowd(console.worker())
    opened(page, console)
    page.keyboard.press("/")
    page.keyboard.type("sv")
    assert page.locator("#filter-list li").all_inner_texts() == ["svc:\nservice"]
    page.keyboard.press("ArrowDown")
    assert page.locator("#filter").get_attribute("aria-activedescendant") == "option-0"
    page.keyboard.press("Tab")
    assert page.locator("#filter").input_value() == "svc:"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator("#filter").input_value() == "svc:echo "
    page.keyboard.press("Enter")
    says(page, "#counts", "40 shown")
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    second = shown(page)[1]
    here = page.locator("#rows .here")
    eventually(lambda: here.get_attribute("data-id") == second)
    assert page.locator("#page-connections").get_attribute("aria-activedescendant") == here.get_attribute("id")
    page.keyboard.press("Enter")
    page.wait_for_selector("#life-bars svg")
    assert f"open={second}" in page.url
    page.keyboard.press("k")
    assert f"open={shown(page)[0]}" in page.url
    page.keyboard.press("Escape")
    page.wait_for_selector("#life", state="hidden")
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()
    page.keyboard.press("2")
    eventually(lambda: page.locator("#page-services tbody tr").count() == 2)
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_enter_on_a_focused_button_presses_the_button(page: "Page", console: Desk) -> None:
    crowd(console.worker(), 5)
    opened(page, console)
    page.locator("#pause").focus()
    page.keyboard.press("Enter")
    says(page, "#live", "paused")
    page.keyboard.press(" ")
    says(page, "#live", "live app.py")
    assert not page.locator("#life").is_visible()


def test_screen_readers_find_a_grid_and_hear_no_ticking(page: "Page", console: Desk) -> None:
    worker = console.worker()
    crowd(worker)
    opened(page, console)
    grid = page.locator("[role=grid]")
    assert grid.get_attribute("aria-rowcount") == "69"
    assert page.locator("[role=columnheader][aria-sort=descending]").count() == 1
    cells = page.locator("#rows [role=row]:not([hidden])").first.locator("[role=gridcell]").count()
    assert cells == page.locator("[role=columnheader]").count()
    page.evaluate(
        "new MutationObserver((seen) => { window.heard = (window.heard ?? 0) + seen.length; }).observe("
        "document.getElementById('said'), { childList: true, characterData: true, subtree: true })"
    )
    for number in range(70, 80):
        worker.tell([record(number)])
        page.wait_for_timeout(60)
    eventually(lambda: "79" in str(grid.get_attribute("aria-rowcount")))
    assert page.evaluate("window.heard ?? 0") == 0


# views


def test_back_closes_what_was_opened_and_takes_back_a_filter(page: "Page", console: Desk) -> None:
    crowd(console.worker())
    opened(page, console)
    plain = page.url
    page.locator("nav a[data-page=services]").click()
    page.locator("#page-services tbody button", has_text="echo").click()
    assert page.locator("#filter").input_value() == "svc:echo"
    page.locator("#rows .row").first.click()
    page.wait_for_selector("#life-bars svg")
    page.go_back()
    page.wait_for_selector("#life", state="hidden")
    assert page.locator("#filter").input_value() == "svc:echo"
    page.go_forward()
    page.wait_for_selector("#life-bars svg")
    page.keyboard.press("Escape")
    page.wait_for_selector("#life", state="hidden")
    page.go_back()
    page.wait_for_selector("#page-services table")
    page.go_back()
    eventually(lambda: page.url == plain)
    assert page.locator("#filter").input_value() == ""


def test_typing_a_filter_is_one_step_of_the_history(page: "Page", console: Desk) -> None:
    crowd(console.worker())
    opened(page, console)
    page.keyboard.press("/")
    page.keyboard.type("state:open")
    page.keyboard.press("Enter")
    assert page.url.endswith("?filter=state:open")
    page.keyboard.press("/")
    page.keyboard.type("svc:echo")  # another edit, another step
    page.keyboard.press("Enter")
    assert page.url.endswith("?filter=svc:echo")
    page.go_back()
    eventually(lambda: page.locator("#filter").input_value() == "state:open")
    page.go_back()
    eventually(lambda: page.locator("#filter").input_value() == "")


def test_a_view_can_be_shared_as_its_url(page: "Page", console: Desk) -> None:
    crowd(console.worker())
    opened(page, console, "?filter=svc:http+-state:open&sort=-age&open=7.61")
    page.wait_for_selector("#life-bars svg")
    assert "token" not in page.url
    assert page.locator("#filter").input_value() == "svc:http -state:open"
    assert page.locator("[role=columnheader][aria-sort=ascending]").inner_text().startswith("age")
    rows = shown(page)
    page.reload()
    page.wait_for_selector("#life-bars svg")
    assert shown(page) == rows
    says(page, "#life-title", "#61")


# places


def test_rows_keep_their_places_under_a_resting_pointer_and_beside_a_selection(page: "Page", console: Desk) -> None:
    worker = console.worker()
    crowd(worker, 30)
    opened(page, console)
    page.mouse.move(400, 330)

    def under() -> str:
        return str(page.evaluate("document.elementFromPoint(400, 330).closest('.row').dataset.id"))

    page.wait_for_timeout(100)
    first = under()
    for number in range(100, 113):
        worker.tell([record(number, age=0.1)], [closed(number - 90)])
        page.wait_for_timeout(80)
        assert under() == first
    says(page, "#held", "13 new rows")
    page.mouse.move(400, 20)
    eventually(lambda: shown(page)[0] == "7.112")
    assert not page.locator("#held").is_visible()
    page.keyboard.press("j")
    selected = shown(page)
    worker.tell([record(200, age=0.1)])
    says(page, "#held", "1 new row")
    assert shown(page) == selected
    page.keyboard.press("u")
    assert shown(page)[0] == "7.200" or page.locator("#page-connections").evaluate("(box) => box.scrollTop") > 0
    worker.tell([record(201, age=0.1)])
    page.wait_for_timeout(400)
    page.keyboard.press("Escape")
    page.locator("#page-connections").evaluate("(box) => { box.scrollTop = 0; }")
    eventually(lambda: shown(page)[0] == "7.201")


# filter


def test_error_of_a_filter_stands_at_its_word(page: "Page", console: Desk) -> None:
    crowd(console.worker())
    opened(page, console, "?filter=svc:echo")
    before = shown(page)
    for words, fault, said in (
        ("svc:echo rtt>abc", "abc", "abc is not a number: 50ms 2s 5m 1h"),
        ("in>=5 foo:x", "foo", "no column foo"),
        ("in>1s age>1h", "s", "in has no unit s"),
    ):
        page.locator("#filter").fill(words)
        assert page.locator("#filter").get_attribute("aria-invalid") == "true"
        assert text(page, "#filter-says").startswith(said)
        mark, box = page.locator("#filter-mark").bounding_box(), page.locator("#filter").bounding_box()
        assert mark
        assert box
        letter = mark["width"] / len(fault)
        assert abs((mark["x"] - box["x"] - 11) / letter - words.index(fault)) < 0.3
    assert shown(page) == before
    page.locator("#filter").fill("in>=5 age>1h")
    assert page.locator("#filter").get_attribute("aria-invalid") == "false"
    assert not page.locator("#filter-says").is_visible()


# deaths


def test_connections_of_a_dead_worker_say_so_everywhere(page: "Page", console: Desk) -> None:
    worker = console.worker()
    worker.tell([record(1, waiting="handler"), record(2, waiting="next request")])
    opened(page, console, "?open=7.1")
    page.wait_for_selector("#life-bars svg")
    worker.die()
    says(page, "#troubles", "1 worker died")
    says(page, "#said", "1 worker died")
    says(page, "#life-title", "until its worker died")
    says(page, "#why-title", "its worker died")
    assert page.locator("#rows .row:not([hidden])", has_text="its worker died").count() == 2
    page.locator("#troubles").click()
    says(page, "#page-workers tbody", "died")
    says(page, "#counts", "0 live · 2 closed")


def test_page_survives_a_console_that_is_killed_and_comes_back(page: "Page", console: Desk, place: Path) -> None:
    crowd(console.worker(), 3)
    opened(page, console)
    bind = console.origin.removeprefix("http://").rstrip("/")
    page.context.clear_permissions()
    console.stop()
    says(page, "#live", "console gone")
    with desk(place, bind=bind) as again:
        again.worker(9, "second.py").tell([record(1, service="again")])
        says(page, "#live", "live second.py")
        eventually(lambda: shown(page) == ["9.1"])


def test_cookies_of_two_consoles_live_side_by_side(browser: "Browser", console: Desk, place: Path) -> None:
    (place / "b").mkdir()
    with desk(place / "b", token="another-token") as second, browser.new_context() as context:
        made = context.new_page()
        for each in (console, second, console):
            made.goto(each.url if each is second else console.url)
        for each in (console, second):
            answer = made.goto(f"{each.origin}api/workers")
            assert answer is not None
            assert answer.status == 200


# what leaves the page


def test_export_is_what_is_shown_a_line_each(page: "Page", console: Desk) -> None:
    crowd(console.worker())
    opened(page, console, "?filter=svc:http+state:open&sort=age")
    with page.expect_download() as download:
        page.locator("#export").click()
    lines = download.value.path().read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == shown(page)
    assert len(lines) == 21


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
def test_copied_curl_command_answers_and_holds_no_token(browser: "Browser", console: Desk, place: Path) -> None:
    bind = console.origin.removeprefix("http://").rstrip("/")
    console.stop()
    with desk(place, bind=bind, token="t0ken") as fixed, browser.new_context() as context:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        made = context.new_page()
        fixed.worker().tell([record(1)])
        opened(made, fixed, "?open=7.1")
        made.locator("#curl").click()
        says(made, "#said", "copied")
        command = str(made.evaluate("navigator.clipboard.readText()"))
        assert "t0ken" not in command
        done = subprocess.run(["sh", "-c", command], capture_output=True, check=True, timeout=10)
        assert json.loads(done.stdout)["row"]["id"] == "7.1"


# hostile names

HOSTILE = (
    "<img/src=x/onerror=window.pwned=4>",
    "\"'><script>window.pwned=5</script>",
    "<img src=x onerror=window.pwned=6>",
    "\x1b[31mred\x1b]0;owned\x07",
    "\u202egnp.exe",
    "<svg/onload=window.pwned=7>",
    "javascript:window.pwned=8",
    "{{7*7}}${window.pwned=9}",
    "</title><script>window.pwned=10</script>",
)


def test_names_that_strangers_choose_are_text_and_never_run(page: "Page", console: Desk) -> None:
    worker = console.worker(program="<img src=x onerror=window.pwned=1>")
    live = [record(n, service=name, protocol=name[:20]) for n, name in enumerate(HOSTILE, 1)]
    over = [closed(n + 20, outcome="handler-error", text=name) for n, name in enumerate(HOSTILE, 1)]
    worker.tell(live, over)
    opened(page, console)
    for name in ("services", "findings", "workers", "connections"):
        page.locator(f"nav a[data-page={name}]").click()
        page.wait_for_timeout(50)
    for number in (1, 2, 21, 22):
        page.goto(f"{console.origin}?open=7.{number}")
        page.wait_for_selector("#life-bars svg")
    page.locator("#filter").fill("svc:")
    page.wait_for_selector("#filter-list li")
    page.wait_for_timeout(200)
    assert page.evaluate("window.pwned ?? null") is None
    assert page.locator("img, script:not([src]), main svg svg").count() == 0
    says(page, "#live", "<img src=x onerror=window.pwned=1>")


# charts


def test_charts_say_values_under_the_pointer_and_follow_the_filter(page: "Page", console: Desk) -> None:
    worker = console.worker()
    kernel = {"rtt": 0.03}
    worker.tell([record(1, service="echo", kernel=kernel), record(2, service="http", kernel=kernel)])
    opened(page, console)
    for step in range(1, 18):
        page.wait_for_timeout(200)
        moved: dict[str, Any] = {
            "kernel": {"rtt": 0.03 + step / 1000},
            "messages": step * 2,
            "bytes_in": step * 250_000,
        }
        worker.tell([record(1, service="echo", **moved), record(2, service="http", kernel=kernel)])
    says(page, "#now-rtt", "ms")
    eventually(lambda: re.search(r"\d+\.\d in · 0\.0 out Mbit/s", text(page, "#now-throughput")) is not None)
    labels = page.locator("#chart-rtt text").all_text_contents()
    assert labels[0] == "0 ms"
    assert any(re.fullmatch(r"\d+(\.\d)? ms", label) for label in labels[1:])
    assert any(re.fullmatch(r"\d\d:\d\d|:\d\d", label) for label in labels)
    box = page.locator("#chart-throughput").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] - 9, box["y"] + 30)
    assert re.match(r"\d\d:\d\d:\d\d +\d", text(page, "#now-messages"))
    assert page.locator(".cursor").count() == 3
    page.mouse.move(5, 5)
    assert page.locator(".cursor").count() == 0
    page.locator("#filter").fill("svc:http")
    says(page, "#now-throughput", "0 in · 0 out bit/s")
    says(page, "#chart-throughput .since", "known since ")
    page.locator("#filter").fill("")
    eventually(lambda: page.locator(".since").count() == 0)


# the picture in the documentation


def test_picture_of_the_documentation_is_drawn_from_a_real_run(browser: "Browser", place: Path) -> None:
    """NETWRIGHT_PICTURE=docs/console.png keeps it."""
    (place / "app.py").write_text(Path("examples/tour.py").read_text())
    environment = {**os.environ, "ECHO_PORT": "0", "XDG_RUNTIME_DIR": str(place)}
    port = free_port("127.0.0.1", 30_000 + os.getpid() % 10_000)
    command = [sys.executable, "-m", "netwright", "serve", "app.py", "--bind", "127.0.0.1:0"]
    process = subprocess.Popen(
        [*command, "--console", f"127.0.0.1:{port}"], cwd=place, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        said = f"{process.stdout.readline()}{process.stdout.readline()}"
        served = re.search(r"http://127.0.0.1:(\d+)", said)
        url = re.search(r"console +(http://\S+)", said)
        assert served
        assert url
        with browser.new_context(viewport={"width": 1440, "height": 860}, color_scheme="dark") as context:
            page = context.new_page()
            page.goto(url[1])
            for step in range(12):
                client = HTTPConnection("127.0.0.1", int(served[1]))
                client.request("GET", "/slow?seconds=0.1" if step % 3 else "/nope")
                client.getresponse().read()
                client.close()
            eventually(lambda: len(shown(page)) == 12)
            page.keyboard.press("j")
            page.keyboard.press("Enter")
            page.wait_for_selector("#life-bars svg text")
            page.wait_for_timeout(4000)  # the charts' first seconds are closed
            picture = page.screenshot(path=os.environ.get("NETWRIGHT_PICTURE"))
        assert len(picture) > 50_000
    finally:
        process.terminate()
        process.communicate(timeout=15)
