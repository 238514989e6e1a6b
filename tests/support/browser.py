"""Chromium driven by Playwright's Python package: the system's browser, no download.  Tests skip where it is absent."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


@contextmanager
def chromium() -> Iterator["Browser"]:
    """A headless browser with a profile of its own; skips the test where it cannot be had."""
    if CHROMIUM is None:
        pytest.skip("no chromium")
    driver = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install netwright[browser]")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
