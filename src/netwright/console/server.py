"""The console's process: a feed for workers on a Unix socket, pages and an API for people over HTTP."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

from netwright.aio import Limits, Stream
from netwright.console import answers
from netwright.console.gate import Asked, Gate
from netwright.console.store import Store
from netwright.core.address import InetAddress, UnixAddress
from netwright.core.errors import NetwrightError, ProtocolError, TransportError, UsageError
from netwright.http import App, Request, Response, StatusError
from netwright.proto.feed import FeedParser, Hello, Unwatch, Watch, Welcome, parse_update, serialize
from netwright.watch.kernel import tcp_connections
from netwright.wire.inet_diag import DiagSocket

__all__ = ["FEED_LIMITS", "Console", "IdlePolicy", "static_files"]

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
Clock: TypeAlias = Callable[[], float]

FEED_LIMITS = Limits(idle=None, frame=None, send=5.0, max_connections=64)
REFRESH = 0.25  # seconds between two messages to a page
JUMP = 600  # seconds that may have passed unseen (a suspended machine); when more did, the clock was set
QUIET = 2.0  # seconds after which a page without news is told that the console lives
COMMAND_TIMEOUT = 1.0  # a worker that does not take a command for this long does not get it
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_FIELDS = (
    ("content-security-policy", "default-src 'self'; frame-ancestors 'none'"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-cache"),
)


class IdlePolicy:
    """Decides when a console without workers ends.

    Args:
        first: seconds to wait for the first worker.
        died: seconds that what a dead worker left stays to be looked at.
    """

    def __init__(self, now: float, *, first: float = 60.0, died: float = 600.0) -> None:
        self._until = now + first
        self._kept_until = 0.0
        self._died = died
        self._always = False

    def stay(self) -> None:
        """Stay for ever."""
        self._always = True

    def left(self, now: float, *, in_order: bool) -> None:
        """A worker is gone."""
        if not in_order:
            self._kept_until = now + self._died
        self._until = max(now, self._kept_until)

    def over(self, now: float, workers: int) -> bool:
        """True if the console may end: no worker, and nothing to look at."""
        return not (workers or self._always) and now >= self._until


class Console:
    """The store and its two servers: ``serve_feed`` handles the streams of workers, ``app`` serves browsers."""

    def __init__(
        self,
        *,
        gate: Gate | None = None,
        store: Store | None = None,
        clock: Clock = time.time,
        report: Callable[[str], None] = lambda line: None,
        kernel: Callable[[], Iterable[DiagSocket]] = tcp_connections,
    ) -> None:
        self.store = store or Store()
        self.url = ""
        self.bound = InetAddress("", 0)
        self.idle_policy = IdlePolicy(clock())
        self.app = App("console", report=lambda text, error: report(f"{text}: {error!r}" if error else text))
        self._gate, self._clock, self._report = gate or Gate(), clock, report
        self._events = answers.Events(self.store, os.urandom(6).hex())
        self.feeds: dict[int, tuple[Stream, asyncio.Lock]] = {}
        self._kernel, self._viewers = kernel, 0
        self._routes()

    def _routes(self) -> None:
        files = static_files()
        self._get("/", lambda request: _file(request, files["index.html"]))
        self._get("/static/{name:path}", lambda request: _file(request, files.get(str(request.params["name"]))))
        self._get("/api/connections", self._connections)
        self._get("/api/connections/{name}", self._connection)
        self._get("/api/events", self._stream)
        self._get("/api/workers", self._workers)
        self._get("/api/filter", self._filter)
        self._get("/api/health", self._health)
        self._get("/api/access", self._access)

    def _get(self, path: str, handler: Handler) -> None:
        async def guarded(request: Request) -> Response:
            asked = _asked(request)
            refusal = self._gate.check(asked)
            if refusal is not None:
                challenge = (("www-authenticate", "Bearer"),) if refusal.status == 401 else ()  # RFC 9110 §15.5.2
                raise StatusError(refusal.status, refusal.message, fields=challenge, advice=refusal.advice)
            moved = self._gate.redirect(asked) if path == "/" else None
            if moved is not None:
                return Response(status=303, fields=(("location", moved[0]), ("set-cookie", moved[1])))
            return await handler(request)

        self.app.get(path)(guarded)

    # people

    async def _connections(self, request: Request) -> Response:
        limit = request.query.get("limit", str(answers.MAX_ROWS))
        if not limit.isdecimal() or len(limit) > 9:  # int() refuses thousands of digits
            raise StatusError(400, f"limit={limit[:20]!r}, a number wanted")
        try:
            answer = answers.connections(
                self.store,
                self._clock(),
                filter=request.query.get("filter", ""),
                sort=request.query.get("sort", ""),
                limit=int(limit),
            )
        except UsageError as error:
            raise StatusError(400, str(error)) from error
        return Response.json(answer)

    async def _connection(self, request: Request) -> Response:
        """Answer with one connection; ``?watch=1`` keeps its moments while it is requested at least every 15 s."""
        name = str(request.params["name"])
        if "watch" in request.query and self.store.find(name) is not None and self.store.lease(name, self._clock()):
            await self._command(name, watch=True)
        answer = answers.connection(self.store, name, self._clock())
        if answer is None:
            raise StatusError(404, f"no connection {name[:40]}", advice="/api/connections lists them")
        return Response.json(answer)

    async def _filter(self, request: Request) -> Response:
        return Response.json(answers.filter_language(self.store, self._clock()))

    async def _workers(self, request: Request) -> Response:
        return Response.json({"workers": answers.workers(self.store)})

    async def _health(self, request: Request) -> Response:
        answer = answers.health(self.store, self._clock())
        return Response.json(answer, status=200 if answer["ok"] else 503)

    async def _access(self, request: Request) -> Response:
        """Answer with the path of the token's file; the token itself is never in a page or on a clipboard."""
        return Response.json({"token_file": self._gate.token_file})

    async def _stream(self, request: Request) -> Response:
        return Response(self._messages(request.query.get("since", "")), content_type="text/event-stream")

    async def _messages(self, since: str) -> AsyncIterator[bytes]:
        """Server-sent events (the HTML standard, §9.2): all rows first, then what changed, at most each REFRESH."""
        revision, message = self._events.first(since, self._clock())
        told = self._clock()
        self._viewers += 1
        try:
            yield b"retry: 1000\n" + message
            while True:
                second = self._second()
                await asyncio.sleep(REFRESH)
                if self.store.revision == revision and self._second() == second and self._clock() - told < QUIET:
                    continue
                told = self._clock()
                revision, message = self._events.next(revision, second, told)
                yield message
        finally:
            self._viewers -= 1

    def _second(self) -> int:
        return self.store.history[-1].at if self.store.history else 0

    # workers

    async def serve_feed(self, stream: Stream) -> None:
        """One worker, from its hello to its end."""
        parser, pid = FeedParser(parse_update), 0
        try:
            async for chunk in stream:
                for update in parser.receive(chunk):
                    if pid:
                        self.store.merge(pid, update, self._clock())
                        continue
                    if not isinstance(update, Hello):
                        raise ProtocolError("a worker did not say hello first")
                    self._join(update, stream)
                    pid = update.pid
                    await stream.send(serialize(Welcome(self.url, os.getpid())))
        except NetwrightError as error:
            self._report(f"feed of worker {pid or 'unknown'} ended: {error}")
        finally:
            if pid and self.feeds.get(pid, (None,))[0] is stream:
                self._leave(pid)

    def _join(self, hello: Hello, stream: Stream) -> None:
        self.store.join(hello, self._clock())
        self.feeds[hello.pid] = stream, asyncio.Lock()

    def _leave(self, pid: int) -> None:
        del self.feeds[pid]
        self.store.leave(pid, self._clock())
        self.idle_policy.left(self._clock(), in_order=self.store.workers[pid].in_order)

    async def _command(self, name: str, *, watch: bool) -> None:
        """Send a command to the worker of connection ``worker.number``.

        A worker that is gone, or does not read for COMMAND_TIMEOUT, is reported; ``serve_feed`` sees its end.
        """
        pid, _, number = name.partition(".")
        stream, lock = self.feeds.get(int(pid), (None, None))
        if stream is None or lock is None:
            return
        command = Watch(int(number)) if watch else Unwatch(int(number))
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT), lock:
                await stream.send(serialize(command))
        except (TimeoutError, NetwrightError) as error:
            self._report(f"worker {pid} does not take commands: {error!r}")

    async def tick(self) -> None:
        """Close the series' seconds and end leases, until cancelled or until the console may end."""
        second = int(self._clock())
        while not self.idle_policy.over(self._clock(), len(self.feeds)):
            await asyncio.sleep(min(max(second + 1 - self._clock(), 0.0), 1.0))
            now = int(self._clock())
            for over in range(max(second, now - JUMP) + 1, now + 1):
                self.store.tick(over)
            second = now
            self.store.forget(self._clock())
            for name in self.store.expired(self._clock()):
                await self._command(name, watch=False)

    async def look(self) -> None:
        """Read the kernel's view once a second while a page is open; return where the system has none."""
        while True:
            await asyncio.sleep(1.0)
            if not self._viewers or not self.store.live:
                continue
            try:
                self.store.look(await asyncio.to_thread(self._kernel))
            except TransportError as error:
                self._report(f"no kernel view: {error}")
                return

    async def run(self, feed: UnixAddress, bind: InetAddress, ready: Callable[[], None]) -> None:
        """Serve browsers on ``bind`` and workers on ``feed`` until the console may end.

        The page's port is bound first: of two consoles for one address, one gets as far as the feed.

        Raises:
            BindError: an address is taken.
        """
        self.app.http(bind)
        self.app.add_port(feed, self.serve_feed, name="feed", limits=FEED_LIMITS)
        async with self.app:
            address = self.app.listeners[0].address
            assert isinstance(address, InetAddress)
            self.bound = address
            self.url = url_of(address, self._gate.token)
            ready()
            async with asyncio.TaskGroup() as group:
                looking = group.create_task(self.look())
                await self.tick()
                looking.cancel()
            await self.app.drain(0.2)  # pages would stay for ever


def _asked(request: Request) -> Asked:
    """The authority is the Host field's or, above it, an absolute target's (RFC 9112 §3.2.2)."""
    fields = request.fields
    return Asked(request.authority, request.raw_query, fields.get("cookie", ""), fields.get("authorization", ""))


def url_of(address: InetAddress, token: str) -> str:
    """Return the URL of a console that listens on ``address``."""
    host = address.host if address.host not in ("", "0.0.0.0", "::") else "127.0.0.1"
    return f"http://{InetAddress(host, address.port)}/" + (f"?token={token}" if token else "")


def static_files() -> dict[str, tuple[bytes, str, str]]:
    """Content, type and entity tag (RFC 9110 §8.8.3) of every file of the page, by path."""
    root = Path(__file__).with_name("static")
    files = {}
    for path in sorted(root.rglob("*")):
        if path.suffix in _TYPES:
            data = path.read_bytes()
            tag = f'"{sha256(data).hexdigest()[:16]}"'
            files[path.relative_to(root).as_posix()] = data, _TYPES[path.suffix], tag
    return files


async def _file(request: Request, file: tuple[bytes, str, str] | None) -> Response:
    if file is None:
        raise StatusError(404, f"no file {request.path[:100]}")
    data, content_type, tag = file
    fields = (*_FIELDS, ("etag", tag))
    if request.fields.get("if-none-match") == tag:
        return Response(status=304, fields=fields)
    return Response(data, fields=fields, content_type=content_type)
