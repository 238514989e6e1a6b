"""Who may look at the console."""

import pytest

from netwright.console.gate import Asked, Gate, cookie_name

OPEN, LOCKED = Gate(), Gate("s3cret", token_file="/run/token")
HERE = "127.0.0.1:8001"


@pytest.mark.parametrize(
    "host",
    [HERE, "localhost:8001", "[::1]:8001", "127.0.0.1", "console.localhost:1", "LOCALHOST:8001", "LocalHost."],
)
def test_loopback_names_are_let_in(host: str) -> None:
    assert OPEN.check(Asked(host)) is None


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example:8001", "127.0.0.1.evil.example", "", "10.0.0.1:8001", "[::1", "a b", "128.0.0.1"),
        *("evillocalhost", "localhost.evil.example", "evil.localhost.example", "unix:/x"),
    ],
)
@pytest.mark.parametrize("gate", [OPEN, LOCKED])
def test_other_names_are_refused_since_a_page_may_point_its_name_here(host: str, gate: Gate) -> None:
    refusal = gate.check(Asked(host, "token=s3cret"))
    assert refusal is not None
    assert refusal.status == 403


@pytest.mark.parametrize(
    ("host", "let_in"),
    [
        *(("console.example", True), ("console.example:443", True), ("Console.Example.", True), (HERE, True)),
        *(("example", False), ("x.console.example", False), ("xconsole.example", False), ("10.0.0.1:8001", False)),
    ],
)
@pytest.mark.parametrize("local", [True, False])
def test_allow_list_names_exactly_the_hosts_that_a_reverse_proxy_serves(host: str, let_in: bool, local: bool) -> None:
    refusal = Gate("s3cret", ("console.example",), local).check(Asked(host, "token=s3cret"))
    assert (refusal is None) is let_in
    assert refusal is None or "console.example" in refusal.message


def test_console_that_others_reach_takes_any_name_since_its_token_is_asked() -> None:
    gate = Gate("s3cret", local=False)
    assert gate.check(Asked("box.example:8001", "token=s3cret")) is None
    refusal = gate.check(Asked("box.example:8001"))
    assert refusal is not None
    assert refusal.status == 401


@pytest.mark.parametrize(
    "asked",
    [
        Asked(HERE, query="token=s3cret"),
        Asked(HERE, "filter=x", cookies="netwright-console-8001=s3cret"),
        Asked(HERE, cookies="a=b; netwright-console-8001=s3cret; c=d"),
        Asked("localhost", cookies="netwright-console=s3cret"),
        Asked(HERE, authorization="Bearer s3cret"),
        Asked(HERE, authorization="bearer  s3cret"),
    ],
)
def test_token_is_taken_from_query_cookie_and_authorization(asked: Asked) -> None:
    assert LOCKED.check(asked) is None


@pytest.mark.parametrize(
    "asked",
    [
        *(Asked(HERE), Asked(HERE, "token="), Asked(HERE, "token=s3cre"), Asked(HERE, "token=s3crett")),
        Asked(HERE, "token=é"),
        Asked(HERE, "tokens=s3cret"),
        Asked(HERE, cookies="netwright-console-8001=wrong"),
        Asked(HERE, cookies="netwright-console-8002=s3cret"),
        Asked(HERE, cookies="netwright-console=s3cret"),
        Asked(HERE, cookies="other=s3cret"),
        Asked(HERE, authorization="Basic s3cret"),
        Asked(HERE, authorization="s3cret"),
        Asked(HERE, "token=wrong", cookies="netwright-console-8001=s3cret"),
    ],
)
def test_without_the_token_nobody_is_let_in_and_is_told_where_it_is(asked: Asked) -> None:
    refusal = LOCKED.check(asked)
    assert refusal is not None
    assert refusal.status == 401
    assert "/run/token" in refusal.advice


def test_cookies_of_two_consoles_of_one_host_do_not_meet() -> None:
    """RFC 6265 §8.5: a browser sends both cookies to both ports."""
    second = Gate("other")
    (_, one), (_, two) = (
        gate.redirect(Asked(f"127.0.0.1:{port}", f"token={gate.token}")) or ("", "")
        for gate, port in ((LOCKED, 8001), (second, 8002))
    )
    both = "; ".join(cookie.partition(";")[0] for cookie in (one, two))
    assert LOCKED.check(Asked("127.0.0.1:8001", cookies=both)) is None
    assert second.check(Asked("127.0.0.1:8002", cookies=both)) is None


@pytest.mark.parametrize(
    ("host", "name"), [("[::1]:8001", "-8001"), ("[::1]", ""), ("a", ""), ("a:", ""), ("a:x", ""), ("a:80", "-80")]
)
def test_cookie_is_named_after_the_port(host: str, name: str) -> None:
    assert cookie_name(host) == f"netwright-console{name}"


def test_token_leaves_the_address_bar_for_a_cookie_that_scripts_cannot_read() -> None:
    moved = LOCKED.redirect(Asked(HERE, "token=s3cret&filter=state%3Aopen"))
    assert moved == (
        "./?filter=state%3Aopen",
        "netwright-console-8001=s3cret; Path=/; HttpOnly; SameSite=Strict",
    )
    assert LOCKED.redirect(Asked(HERE, "token=s3cret")) == ("./", moved[1])
    assert LOCKED.redirect(Asked(HERE, "filter=x")) is None
    assert OPEN.redirect(Asked(HERE, "token=x")) is None
