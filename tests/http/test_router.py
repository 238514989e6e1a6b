import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import UsageError
from netwright.http.errors import StatusError
from netwright.http.router import Router, decode_segment

PATHS = [
    "/",
    "/items",
    "/items/",
    "/items/new",
    "/items/{id:int}",
    "/items/{name}",
    "/items/{id:int}/parts/{part}",
    "/files/{rest:path}",
]


@pytest.fixture
def router() -> Router[str]:
    made: Router[str] = Router()
    for path in PATHS:
        made.add("GET", path, path)
    made.add("POST", "/items", "create")
    made.add("PURGE", "/items/{other}", "purge")
    return made


@pytest.mark.parametrize(
    ("path", "handler", "params"),
    [
        ("/", "/", {}),
        ("/items", "/items", {}),
        ("/items/", "/items/", {}),
        ("/items/new", "/items/new", {}),
        ("/items/7", "/items/{id:int}", {"id": 7}),
        ("/items/%37", "/items/{id:int}", {"id": 7}),
        ("/items/seven", "/items/{name}", {"name": "seven"}),
        ("/items/" + "9" * 18, "/items/{id:int}", {"id": 10**18 - 1}),
        ("/items/" + "9" * 19, "/items/{name}", {"name": "9" * 19}),
        ("/items/+7", "/items/{name}", {"name": "+7"}),
        ("/items/\u0667", "/items/{name}", {"name": "\u0667"}),
        ("/items/a%2Fb", "/items/{name}", {"name": "a/b"}),
        ("/items/%6eew", "/items/new", {}),
        ("/items/%C3%A4", "/items/{name}", {"name": "ä"}),
        ("/items/7/parts/x", "/items/{id:int}/parts/{part}", {"id": 7, "part": "x"}),
        ("/files/a/b/c", "/files/{rest:path}", {"rest": "a/b/c"}),
        ("/files/", "/files/{rest:path}", {"rest": ""}),
    ],
)
def test_path_finds_its_handler(router: Router[str], path: str, handler: str, params: dict[str, str | int]) -> None:
    assert router.find("GET", path) == (handler, params)


def test_parameter_has_the_name_that_its_method_gave_it(router: Router[str]) -> None:
    assert router.find("PURGE", "/items/x") == ("purge", {"other": "x"})


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nowhere", 404, "no route /nowhere"),
        ("GET", "/items/7/parts/", 404, "no route"),
        ("GET", "/files", 404, "/files/ is one"),
        ("GET", "*", 404, "no route"),
        ("POST", "/items/7", 405, "POST on /items/7, GET, HEAD, OPTIONS, PURGE allowed"),
        ("PURGE", "/items", 405, "allowed"),
        ("BREW", "/items", 501, "BREW is not known"),
        ("GET", "/items/%zz", 400, "% without two hexadecimal digits"),
        ("GET", "/items/%ff", 400, "not UTF-8"),
        ("GET", "/items/%00", 400, "NUL"),
    ],
)
def test_path_or_method_without_a_handler_is_refused(
    router: Router[str], method: str, path: str, status: int, words: str
) -> None:
    """RFC 9110 §15.5.5, §15.5.6, §15.6.2."""
    with pytest.raises(StatusError) as caught:
        router.find(method, path)
    assert caught.value.status == status
    assert words in str(caught.value)
    if status == 405:
        assert dict(caught.value.fields)["allow"] == ", ".join(router.allowed(path))


def test_head_is_answered_by_get_unless_it_has_its_own(router: Router[str]) -> None:
    """RFC 9110 §9.3.2."""
    assert router.find("HEAD", "/items")[0] == "/items"
    router.add("HEAD", "/items", "own")
    assert router.find("HEAD", "/items")[0] == "own"
    assert (router.has("HEAD", "/items"), router.has("HEAD", "/")) == (True, False)


@pytest.mark.parametrize("path", ["items", "/{", "/{a:float}", "/{a}x", "/{a:path}/b", "/{a}/{a}", "/items/new"])
def test_route_that_is_not_well_formed_or_there_already_is_refused(router: Router[str], path: str) -> None:
    with pytest.raises(UsageError):
        router.add("GET", path, "x")


def outcome(router: Router[str], path: str) -> str | int:
    try:
        return router.find("GET", path)[0]
    except StatusError as error:
        return error.status


@given(st.text(max_size=40).map(lambda text: "/" + text))
def test_any_path_finds_a_handler_or_a_status(path: str) -> None:
    made: Router[str] = Router()
    for route in PATHS:
        made.add("GET", route, route)
    found = outcome(made, path)
    assert found in PATHS or found in (400, 404)


def test_plus_is_a_plus_in_a_path() -> None:
    """RFC 3986 §2.2: only forms mean a space."""
    assert decode_segment("a+b%20c") == "a+b c"
