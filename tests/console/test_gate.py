"""Who may look at the console."""

import pytest

from netwright.console.gate import COOKIE, Gate

OPEN, LOCKED = Gate(), Gate("s3cret")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8001",
        "localhost:8001",
        "[::1]:8001",
        "127.0.0.1",
        "console.localhost:1",
        "LOCALHOST:8001",
        "LocalHost.",
    ],
)
def test_loopback_names_are_let_in(host: str) -> None:
    assert OPEN.check(host, "", "") is None


@pytest.mark.parametrize("host", ["evil.example:8001", "127.0.0.1.evil.example", "", "10.0.0.1:8001", "[::1", "a b"])
def test_other_names_are_refused_since_a_page_may_point_its_name_here(host: str) -> None:
    refusal = OPEN.check(host, "", "")
    assert refusal is not None
    assert refusal.status == 403


@pytest.mark.parametrize(
    ("cookies", "query"),
    [("", "token=s3cret"), (f"{COOKIE}=s3cret", ""), (f"a=b; {COOKIE}=s3cret; c=d", "filter=x")],
)
def test_token_is_taken_from_query_and_cookie_for_any_host(cookies: str, query: str) -> None:
    assert LOCKED.check("box.example:8001", cookies, query) is None


@pytest.mark.parametrize(
    ("cookies", "query"),
    [("", ""), ("", "token="), ("", "token=s3cre"), (f"{COOKIE}=wrong", ""), ("other=s3cret", ""), ("", "token=é")],
)
def test_without_the_token_nobody_is_let_in(cookies: str, query: str) -> None:
    refusal = LOCKED.check("127.0.0.1:8001", cookies, query)
    assert refusal is not None
    assert refusal.status == 401


def test_token_leaves_the_address_bar_for_a_cookie_that_scripts_cannot_read() -> None:
    moved = LOCKED.redirect("/", "token=s3cret&filter=state%3Aopen")
    assert moved == ("/?filter=state%3Aopen", f"{COOKIE}=s3cret; Path=/; HttpOnly; SameSite=Strict")
    assert LOCKED.redirect("/", "token=s3cret") == ("/", moved[1])
    assert LOCKED.redirect("/", "filter=x") is None
    assert OPEN.redirect("/", "token=x") is None
