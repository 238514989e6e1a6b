"""A program that answers HTTP requests, beside any TCP ports of its own (``App.tcp``).

app = App("shop")

@app.get("/items/{id:int}")
async def item(request: Request) -> Answer:
    return {"id": request.params["id"]}
"""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, Self, TypeVar

from netwright.aio import DrainReport, Limits, Stream
from netwright.aio.failures import Failures
from netwright.core.address import Address
from netwright.core.record import Recorder
from netwright.core.tuning import INTERACTIVE, Tuning
from netwright.http.exchange import Handler, Settings
from netwright.http.h1 import Connection
from netwright.http.request import Request
from netwright.http.response import Response
from netwright.http.router import Router
from netwright.proto.http1 import HttpLimits
from netwright.run.service import Report, Service, log_error
from netwright.run.settings import DEFAULT_CONSOLE

__all__ = ["App"]

AnyHandler = TypeVar("AnyHandler", bound=Callable[[Request], object])


class App(Service):
    """Routes and their handlers.

    A handler takes the request and returns what ``as_response`` knows.  ``async def`` runs in the connection's task;
    ``def`` runs in one of ``threads`` threads with the content already read; an asynchronous generator is a streamed
    answer, whose head goes out with its first piece.  A handler that raises is reported once and answered with 500.
    """

    def __init__(
        self,
        name: str = "app",
        *,
        limits: Limits = Limits(),  # noqa: B008  # frozen
        http: HttpLimits = HttpLimits(),  # noqa: B008  # frozen
        tuning: Tuning = INTERACTIVE,
        recorder: Recorder | None = None,
        report: Report = log_error,
        handler_timeout: float | None = None,
        cancel_when_gone: bool = True,
        answer_half_closed: bool = False,
        threads: int = 16,
        hook_timeout: float = 10.0,
    ) -> None:
        """
        Args:
            handler_timeout: seconds after which a handler is cancelled and 503 sent.  Threads cannot be cancelled:
                theirs go on until they return.
            cancel_when_gone: cancel a handler whose peer left while it waits: at the first look 0.1 s after it began to
                wait, then at one every second.
            answer_half_closed: a peer that ended its own direction (FIN) has not left: it may still read its answer.
            threads: of ``def`` handlers; requests beyond that wait for one.
            hook_timeout: bounds each start and stop hook, in seconds.
        """
        super().__init__(
            name, limits=limits, tuning=tuning, recorder=recorder, report=report, hook_timeout=hook_timeout
        )
        self._has_routes = self._has_http = False
        self._router: Router[Handler] = Router()
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._settings = Settings(
            self,
            self._find,
            Failures("http", limits, self._told),
            http,
            handler_timeout=handler_timeout,
            cancel_when_gone=cancel_when_gone,
            answer_half_closed=answer_half_closed,
        )

    def http(self, address: int | str | Address, *, name: str = "http", limits: Limits | None = None) -> None:
        """Answer HTTP on ``address``; a number is a port on ``host``."""
        self.add_port(address, self.serve_stream, name=name, limits=limits)
        self._has_http = True

    def add_http(self, binds: tuple[Address, ...], *, default: Address) -> tuple[Address, ...]:
        """Answer HTTP on ``binds``; without any on ``default``, if HTTP has no address yet and something to answer.

        An App that has TCP ports and no route has nothing to answer.
        """
        wanted = not self._has_http and (self._has_routes or not self._ports)
        binds = binds or ((default,) if wanted else ())
        for bind in binds:
            self.http(bind)
        return binds

    def run(
        self,
        *,
        bind: str | Sequence[str] = (),
        console: str | None = str(DEFAULT_CONSOLE),
        drain: float = 10.0,
        records: str = "",
        log_level: str = "info",
    ) -> None:
        """See ``Service.run``.

        Args:
            bind: where HTTP is answered: one address or several, beside those of ``http``.  Without any, an App that
                has routes answers on 127.0.0.1:8000.
        """
        from netwright.run.program import run_as_main

        binds = (bind,) if isinstance(bind, str) else tuple(bind)
        run_as_main(self, binds, console=console, drain=drain, records=records, log_level=log_level)

    async def serve_stream(self, stream: Stream) -> None:
        """Answer HTTP on a connection that is already there; closes it."""
        await Connection(stream, self._settings).run()

    # routes

    def route(self, path: str, methods: Iterable[str] = ("GET",)) -> Callable[[AnyHandler], AnyHandler]:
        """Answer ``methods`` on ``path`` with the decorated function."""

        def add(handler: AnyHandler) -> AnyHandler:
            runner = self._runner(handler)
            self._has_routes = True
            for method in methods:
                self._router.add(method, path, runner)
            return handler

        return add

    def get(self, path: str) -> Callable[[AnyHandler], AnyHandler]:
        """GET (RFC 9110 §9.3.1), and HEAD with it."""
        return self.route(path, ("GET",))

    def post(self, path: str) -> Callable[[AnyHandler], AnyHandler]:
        """POST (RFC 9110 §9.3.3)."""
        return self.route(path, ("POST",))

    def put(self, path: str) -> Callable[[AnyHandler], AnyHandler]:
        """PUT (RFC 9110 §9.3.4)."""
        return self.route(path, ("PUT",))

    def patch(self, path: str) -> Callable[[AnyHandler], AnyHandler]:
        """PATCH (RFC 5789)."""
        return self.route(path, ("PATCH",))

    def delete(self, path: str) -> Callable[[AnyHandler], AnyHandler]:
        """DELETE (RFC 9110 §9.3.5)."""
        return self.route(path, ("DELETE",))

    def _find(self, request: Request) -> Handler:
        if request.method == "OPTIONS" and not self._router.has(request.method, request.path):
            return self._options
        handler, request.params = self._router.find(request.method, request.path)
        return handler

    async def _options(self, request: Request) -> Response:
        """Answer with the methods that the path allows (RFC 9110 §9.3.7)."""
        if request.target == "*":
            allowed = sorted(self._router.methods | {"OPTIONS"})
        else:
            allowed = self._router.allowed(request.path)
        if not allowed:
            self._router.find("OPTIONS", request.path)
        return Response(status=204, fields=(("allow", ", ".join(allowed)),))

    # handlers of every kind become coroutine functions

    def _runner(self, handler: Callable[[Request], object]) -> Handler:
        if inspect.iscoroutinefunction(handler):
            return handler
        if inspect.isasyncgenfunction(handler):
            return _streamed(handler)

        async def run(request: Request) -> object:
            await request.body()
            work = partial(copy_context().run, _called, handler, request)
            return await asyncio.get_running_loop().run_in_executor(self._executor(), work)

        return run

    def _executor(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix=self.name)
        return self._pool

    async def drain(self, timeout: float) -> DrainReport:
        """See ``Service``; threads that still run are not waited for."""
        report = await super().drain(timeout)
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
        return report


def _called(handler: Callable[[Request], object], request: Request) -> object:
    """Call a handler in its thread; a Future takes every exception but StopIteration, and would never be done."""
    try:
        return handler(request)
    except StopIteration as error:
        raise RuntimeError("the handler raised StopIteration") from error


def _streamed(handler: Callable[[Request], Any]) -> Callable[[Request], Coroutine[Any, Any, object]]:
    async def run(request: Request) -> object:
        pieces = handler(request)
        return _Pieces(await anext(pieces, b""), pieces)

    return run


class _Pieces:
    """A generator after its first step: what fails before the first piece is answered, not cut off behind a 200."""

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes, None]) -> None:
        self._first: bytes | None = first
        self._rest = rest
        self.aclose = rest.aclose

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        first, self._first = self._first, None
        return first if first is not None else await anext(self._rest)
