"""The console's process from both sides: a worker's feed in, pages and the API out."""

import asyncio
import contextlib
import itertools
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from netwright.aio import Stream, connect
from netwright.console.gate import Gate
from netwright.console.server import Console, IdlePolicy, static_files, url_of
from netwright.console.store import LATE, Store
from netwright.console.view import LOST
from netwright.core.address import InetAddress, UnixAddress
from netwright.core.errors import ClosedError, DeadlineError, ResetError, TransportError
from netwright.core.moment import Kind, Moment
from netwright.proto.feed import (
    Batch,
    Bye,
    Command,
    FeedParser,
    Hello,
    Moments,
    Unwatch,
    Watch,
    Welcome,
    parse_command,
    serialize,
)
from netwright.wire.inet_diag import DiagSocket
from tests.support.diag import made
from tests.support.records import values

HELLO = Hello(7, "app.py", "native", "3.11", now=100.0, wall=1100.0)


class Running:
    """A console with a worker's end of its feed."""

    def __init__(self, console: Console, feed: UnixAddress) -> None:
        self.console, self.feed = console, feed

    async def worker(self, hello: Hello = HELLO) -> Stream:
        stream = await connect(self.feed)
        await stream.send(serialize(hello))
        (welcome,) = FeedParser(parse_command).receive(await stream.read())
        assert isinstance(welcome, Welcome)
        assert welcome.url == self.console.url
        return stream

    async def ask(self, target: str, *fields: str) -> Stream:
        stream = await connect(self.console.app.listeners[0].address)
        head = "\r\n".join([f"GET {target} HTTP/1.1", *(fields or ("Host: localhost",)), "Connection: close", "", ""])
        await stream.send(head.encode())
        return stream

    async def get(self, target: str, *fields: str) -> tuple[int, str, str]:
        """Status, fields, content."""
        async with await self.ask(target, *fields) as stream:
            answer = b"".join([chunk async for chunk in stream])
        head, _, content = answer.decode().partition("\r\n\r\n")
        return int(head.split()[1]), head, content

    async def json(self, target: str) -> Any:
        return json.loads((await self.get(target))[2])


@asynccontextmanager
async def running(
    directory: Path,
    *,
    token: str = "",
    store: Store | None = None,
    kernel: Callable[[], list[DiagSocket]] = list,
) -> AsyncIterator[Running]:
    clock = asyncio.get_running_loop().time
    reports = list[str]()
    console = Console(gate=Gate(token), store=store, clock=clock, report=reports.append, kernel=kernel)
    feed, ready = UnixAddress(str(directory / "feed")), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(console.run(feed, InetAddress("127.0.0.1", 0), ready.set))
        await ready.wait()
        yield Running(console, feed)
        task.cancel()


def batch(*records: object) -> bytes:
    return serialize(Batch(101.0, list(records), [], {"accepted": len(records)}, 0))  # type: ignore[arg-type]


async def test_what_a_worker_tells_the_api_answers(tmp_path: Path) -> None:
    async with running(tmp_path) as run, await run.worker() as worker:
        await worker.send(batch(values(number=1, service="echo"), values(number=2)))
        await asyncio.sleep(0.1)
        answer = await run.json("/api/connections?filter=svc:echo")
        assert [row["id"] for row in answer["connections"]] == ["7.1"]
        assert (await run.json("/api/connections/7.2"))["record"]["number"] == 2
        assert (await run.json("/api/workers"))["workers"][0]["program"] == "app.py"
        assert (await run.json("/api/health"))["ok"]


@pytest.mark.parametrize(
    ("target", "status", "said"),
    [
        ("/api/connections?filter=foo:x", 400, "no column foo"),
        ("/api/connections?limit=0", 400, "limit=0"),
        ("/api/connections?limit=x", 400, "limit='x'"),
        (f"/api/connections?limit={'9' * 5000}", 400, "limit='999"),
        (f"/api/connections?filter={'-' * 5001}foo:x", 400, "no column foo"),
        ("/api/connections/7.99", 404, "no connection 7.99"),
        ("/static/../server.py", 404, ""),
        ("/static/server.py", 404, "no file"),
    ],
)
async def test_wrong_questions_are_answered_with_their_fault(
    target: str, status: int, said: str, tmp_path: Path
) -> None:
    async with running(tmp_path) as run:
        answered, _, content = await run.get(target)
        assert answered == status
        assert said in content


async def test_page_loads_only_its_own_files_and_comes_once(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        status, head, content = await run.get("/")
        assert status == 200
        assert "content-security-policy: default-src 'self'" in head.lower()
        assert "<title>netwright console</title>" in content
        tag = head.lower().partition("etag: ")[2].partition("\r")[0]
        assert (await run.get("/", "Host: localhost", f"If-None-Match: {tag}"))[0] == 304


def test_every_file_that_the_page_names_is_there_and_all_together_are_small() -> None:
    files = static_files()
    named = re.findall(r'(?:href|src)="static/([^"]+)"', files["index.html"][0].decode())
    modules = [
        re.findall(r"from '\./([^']+)'", data.decode()) for name, (data, *_) in files.items() if name.endswith(".js")
    ]
    assert len(named) == 4
    assert {*named, *itertools.chain.from_iterable(modules)} | {"index.html"} == set(files)
    assert sum(len(data) for data, *_ in files.values()) <= 120 * 1000


async def test_foreign_host_is_refused_and_told_why(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        status, _, content = await run.get("/api/connections", "Host: evil.example")
        assert status == 403
        assert "evil.example" in content
        assert "--console-host" in content


async def test_token_opens_the_page_once_and_then_its_cookie_does(tmp_path: Path) -> None:
    async with running(tmp_path, token="s3cret") as run:
        assert run.console.url.endswith("/?token=s3cret")
        host = f"Host: 127.0.0.1:{run.console.bound.port}"
        status, head, _ = await run.get("/api/connections", host)
        assert (status, "www-authenticate: bearer\r\n" in head.lower()) == (401, True)
        status, head, _ = await run.get("/?token=s3cret", host)
        assert (status, "location: ./\r\n" in head.lower()) == (303, True)
        cookie = head.partition("set-cookie: ")[2].partition(";")[0]
        assert (await run.get("/api/connections", host, f"Cookie: {cookie}"))[0] == 200
        assert (await run.get("/api/connections", host, "Authorization: Bearer s3cret"))[0] == 200


async def test_every_route_asks_for_the_token(tmp_path: Path) -> None:
    async with running(tmp_path, token="s3cret") as run:
        for path in ("/", "/static/app.js", "/api/connections", "/api/connections/7.1", "/api/events", "/api/workers"):
            assert (await run.get(path))[0] == 401
        assert (await run.get("/api/health"))[0] == 401


async def test_authority_of_an_absolute_target_stands_above_host(tmp_path: Path) -> None:
    """RFC 9112 §3.2.2."""
    async with running(tmp_path) as run:
        assert (await run.get("http://evil.example/api/workers", "Host: localhost"))[0] == 403
        assert (await run.get("http://localhost/api/workers", "Host: evil.example"))[0] == 200


async def events(stream: Stream) -> AsyncIterator[dict[str, Any]]:
    async for lines in stream.line_batches(limit=1 << 20):
        for line in lines:
            if line.startswith(b"data: "):
                yield json.loads(line[6:])


async def test_events_tell_all_first_then_what_changed(tmp_path: Path) -> None:
    async with running(tmp_path) as run, await run.worker() as worker:
        await worker.send(batch(values(number=1), values(number=2)))
        await asyncio.sleep(0.1)
        async with await run.ask("/api/events") as stream:
            told = events(stream)
            first = await anext(told)
            assert [row[0] for row in first["rows"]] == ["7.1", "7.2"]
            await worker.send(batch(values(number=2, bytes_in=9)))
            rows = [row async for message in _until_rows(told) for row in message["rows"]]
            assert [row[0] for row in rows] == ["7.2"]


async def test_revision_of_thousands_of_digits_is_none(tmp_path: Path) -> None:
    async with running(tmp_path) as run, await run.worker() as worker:
        await worker.send(batch(values(number=1)))
        await asyncio.sleep(0.1)
        async with await run.ask("/api/events") as stream:
            boot = (await anext(events(stream)))["hello"]["boot"]
        async with await run.ask(f"/api/events?since={boot}.{'9' * 5000}") as stream:
            assert [row[0] for row in (await anext(events(stream)))["rows"]] == ["7.1"]


async def _until_rows(told: AsyncIterator[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    async for message in told:
        yield message
        if message["rows"]:
            return


@pytest.mark.long
@pytest.mark.realtime  # the kernel is asked in a thread
async def test_kernel_s_view_reaches_the_page_and_the_connection_s_page(tmp_path: Path) -> None:
    async with running(tmp_path, kernel=lambda: [made(state=8, rtx=9)]) as run, await run.worker() as worker:
        await worker.send(batch(values(number=1)))
        await asyncio.sleep(0.1)
        async with await run.ask("/api/events") as stream:
            async for message in events(stream):
                if message.get("kernel"):
                    break
        assert message["kernel"] == [["7.1", "CLOSE_WAIT", "warn", "CLOSE_WAIT", 0.02, 10, 9, 0, 0]]
        answer = await run.json("/api/connections/7.1")
        assert answer["kernel"]["total_retrans"] == 9
        assert "The peer has finished" in [finding["title"] for finding in answer["findings"]]
        assert (await run.json("/api/connections?filter=tcp:close_wait"))["matched"] == 1


@pytest.mark.long
@pytest.mark.realtime
async def test_a_system_without_a_kernel_view_is_told_of_once(tmp_path: Path) -> None:
    asked = 0

    def kernel() -> list[DiagSocket]:
        nonlocal asked
        asked += 1
        raise TransportError("no inet_diag here")

    async with running(tmp_path, kernel=kernel) as run, await run.worker() as worker:
        await worker.send(batch(values(number=1)))
        async with await run.ask("/api/events") as stream:
            told = events(stream)
            for _ in range(4):
                await anext(told)
        assert asked == 1
        assert (await run.json("/api/connections/7.1"))["kernel"] is None


async def test_events_come_every_2_s_though_nothing_happens(tmp_path: Path) -> None:
    async with running(tmp_path) as run, await run.ask("/api/events") as stream:
        told = events(stream)
        times = [(await anext(told))["now"] for _ in range(4)]
        assert max(after - before for before, after in itertools.pairwise(times)) < 2.5


async def test_watching_a_connection_tells_its_worker_and_ends_with_the_lease(tmp_path: Path) -> None:
    async with running(tmp_path, store=Store(lease=15.0)) as run, await run.worker() as worker:
        await worker.send(batch(values(number=1)))
        await asyncio.sleep(0.1)
        assert (await run.json("/api/connections/7.1?watch=1"))["moments"] is None
        commands: list[Command] = FeedParser(parse_command).receive(await worker.read())
        await worker.send(serialize(Moments(1, 0, [Moment(101.0, Kind.RECEIVED, 3)])))
        await asyncio.sleep(0.1)
        assert (await run.json("/api/connections/7.1?watch=1"))["moments"][0]["size"] == 3
        commands += FeedParser(parse_command).receive(await worker.read(timeout=20.0))
        assert commands == [Watch(1), Unwatch(1)]


async def test_worker_that_dies_makes_health_bad_and_one_that_says_bye_does_not(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        first = await run.worker()
        second = await run.worker(Hello(8, "other.py", "native", "3.11", 100.0, 1100.0))
        await second.send(serialize(Bye()))
        await second.close()
        await asyncio.sleep(0.1)
        assert (await run.get("/api/health"))[0] == 200
        first.abort()
        await asyncio.sleep(0.1)
        status, _, content = await run.get("/api/health")
        assert (status, json.loads(content)["died"]) == (503, [7])


class Vanished:
    """A worker's stream that says ``hello`` and is gone when something is sent to it."""

    def __init__(self, error: Exception, hello: bytes = b"") -> None:
        self.error, self.hello = error, hello

    async def send(self, *parts: bytes) -> None:
        raise self.error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.hello


ERRORS = [ResetError("reset"), ClosedError("closed"), TransportError("no route"), DeadlineError("send", 5.0)]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_worker_that_vanishes_in_a_command_leaves_the_console_alive(error: Exception, tmp_path: Path) -> None:
    async with running(tmp_path, store=Store(lease=2.0)) as run, await run.worker() as worker:
        await worker.send(batch(values(number=1)))
        await asyncio.sleep(0.1)
        feeds: dict[int, Any] = run.console.feeds
        whole, feeds[7] = feeds[7], (Vanished(error), asyncio.Lock())
        assert (await run.get("/api/connections/7.1?watch=1"))[0] == 200
        await asyncio.sleep(5.0)  # the lease ends: ``tick`` sends Unwatch
        assert (await run.get("/api/health"))[0] == 200
        feeds[7] = whole
        worker.abort()
        await asyncio.sleep(0.1)
        (row,) = (await run.json("/api/connections"))["connections"]
        assert (row["state"], row["waiting"]) == (LOST, "")
        assert row["closed"] > 0


async def test_clock_that_is_set_neither_stops_the_seconds_nor_plays_years_of_them() -> None:
    """A machine without a battery boots in 1970; NTP sets its clock while the console runs, in either direction."""
    loop, ahead = asyncio.get_running_loop(), 0.0
    console = Console(clock=lambda: loop.time() + ahead)
    console.idle_policy.stay()
    ticking = loop.create_task(console.tick())
    for step in (0.0, 1.8e9, -3600.0):
        ahead += step
        await asyncio.sleep(5.0)
        seconds = [point.at for point in console.store.history]
        assert seconds[-3:] == [*range(seconds[-1] - 2, seconds[-1] + 1)]
        assert seconds == sorted(seconds)
        assert loop.time() + ahead - 5 < seconds[-1] <= loop.time() + ahead
    ticking.cancel()


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_worker_that_vanishes_before_its_welcome_has_left(error: Exception) -> None:
    console = Console(clock=lambda: 1100.0)
    await console.serve_feed(Vanished(error, serialize(HELLO)))  # type: ignore[arg-type]  # as much as it uses
    assert console.store.workers[7].gone_at == 1100.0
    assert not console.feeds


@pytest.mark.parametrize("line", [b"garbage\n", b'{"bye":true}\n', serialize(HELLO) * 2])
async def test_worker_that_breaks_the_feed_is_left_and_the_console_goes_on(line: bytes, tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        async with await connect(run.feed) as stream:
            await stream.send(line)
            while await stream.read():
                pass
        async with await run.worker():
            assert (await run.json("/api/connections"))["matched"] == 0


async def test_feed_that_ends_late_is_not_the_end_of_the_worker_that_has_its_pid_now(tmp_path: Path) -> None:
    async with running(tmp_path) as run, await run.worker() as first, await run.worker() as second:
        await first.close()
        await asyncio.sleep(0.1)
        await second.send(batch(values(number=1)))
        await asyncio.sleep(0.1)
        health = await run.json("/api/health")
        assert (health["workers"], health["died"], health["connections"]) == (1, [], 1)
        assert list(run.console.feeds) == [7]


async def test_every_second_has_its_point_though_the_console_was_held_up(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        await asyncio.sleep(5)
        asyncio.get_running_loop().jumping.jumped += 10.0  # type: ignore[attr-defined]
        await asyncio.sleep(2)
        ats = [point.at for point in run.console.store.history]
        assert ats == list(range(ats[0], ats[0] + len(ats)))
        assert ats[-1] >= int(asyncio.get_running_loop().time()) - LATE


@pytest.mark.long
async def test_console_ends_with_its_last_worker(tmp_path: Path) -> None:
    console = Console(clock=asyncio.get_running_loop().time)
    feed, ready = UnixAddress(str(tmp_path / "feed")), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(console.run(feed, InetAddress("127.0.0.1", 0), ready.set))
        await ready.wait()
        worker = await Running(console, feed).worker()
        page = await Running(console, feed).ask("/api/events")
        await asyncio.sleep(100)
        await worker.send(serialize(Bye()))
        await worker.close()
        with contextlib.suppress(ResetError):  # a page never ends by itself
            while await page.read():
                pass
        await page.close()


@pytest.mark.parametrize(
    ("events", "until"),
    [
        ([], 60.0),
        ([(5.0, True)], 5.0),
        ([(5.0, False)], 605.0),
        ([(5.0, False), (9.0, True)], 605.0),
        ([(5.0, True), (9.0, False)], 609.0),
    ],
)
def test_console_stays_for_what_a_dead_worker_left(events: list[tuple[float, bool]], until: float) -> None:
    idle_policy = IdlePolicy(0.0)
    for at, in_order in events:
        idle_policy.left(at, in_order=in_order)
    assert not idle_policy.over(until - 0.1, workers=0)
    assert idle_policy.over(until, workers=0)
    assert not idle_policy.over(until, workers=1)


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8001/"), ("::1", "http://[::1]:8001/"), ("", "http://127.0.0.1:8001/")],
)
def test_url_is_one_that_a_browser_can_open(host: str, url: str) -> None:
    assert url_of(InetAddress(host, 8001), "") == url
