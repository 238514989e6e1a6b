"""The page's modules in a JavaScript engine: Node where there is one, else Chromium."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.browser import chromium

ROOT = Path(__file__).parents[2]
MODULES = Path(__file__).with_name("modules")
FILES = sorted(path.name for path in MODULES.glob("*.js") if path.name != "harness.js")
NODE = shutil.which("node")
ORIGIN = "http://page.test/"

pytestmark = pytest.mark.real


def script(base: str, file: str) -> str:
    """An expression: the results of the cases in ``file``."""
    folder = f"{base}{MODULES.relative_to(ROOT).as_posix()}/"
    harness, cases = json.dumps(f"{folder}harness.js"), json.dumps(f"{folder}{file}")
    return f"import({harness}).then(async (harness) => {{ await import({cases}); return harness.results(); }})"


def in_node(file: str) -> dict[str, str]:
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    flags = () if int(version[1:].split(".")[0]) >= 22 else ("--experimental-default-type=module",)
    run = f"{script(f'{ROOT.as_uri()}/', file)}.then((found) => console.log(JSON.stringify(found)))"
    command = ["node", *flags, "--input-type=module", "-e", run]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def in_chromium(file: str) -> dict[str, str]:
    with chromium() as browser:
        page = browser.new_page()
        page.route(
            "**/*",
            lambda route: (
                route.fulfill(path=ROOT / route.request.url.removeprefix(ORIGIN))
                if route.request.url.endswith(".js")
                else route.fulfill(content_type="text/html", body="<!doctype html>")
            ),
        )
        page.goto(ORIGIN)
        found: dict[str, str] = page.evaluate(script(ORIGIN, file))
        return found


@pytest.mark.parametrize("file", FILES)
def test_module_does_what_its_cases_say(file: str) -> None:
    found = in_node(file) if NODE else in_chromium(file)
    assert len(found) > 2
    assert {name: fault for name, fault in found.items() if fault} == {}


def test_chromium_runs_the_cases_where_there_is_no_node() -> None:
    assert set(in_chromium("place.js").values()) == {""}
