import asyncio
import errno
import gc
import os
import pickle
import re
import resource
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netwright.aio import Limits, Listener, Stream, connect
from netwright.aio import engine as engine_of_loop
from netwright.aio.engine import Handle
from netwright.core.address import Address, InetAddress, UnixAddress
from netwright.core.errors import ConnectError, DeadlineError, RefusedError, UsageError
from netwright.core.record import Outcome, Recorder
from netwright.core.tuning import Tuning
from tests.support.suspension import cancelled_at
from tests.support.world import World, descriptors, now, until


async def test_connection_that_nobody_answers_names_address_and_cause(engine: str) -> None:
    recorder = Recorder()
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
        with pytest.raises(ConnectError, match=f"127.0.0.1:{port}: Connection refused") as caught:
            await connect(("127.0.0.1", port), recorder=recorder)
    assert [error.errno for error in caught.value.attempts if isinstance(error, OSError)] == [errno.ECONNREFUSED]
    (record,) = recorder.recent
    assert (record.outcome, record.ended.stage) == (Outcome.CONNECT_FAILED, "connect")


async def test_connection_without_a_socket_file_names_the_path(engine: str) -> None:
    with pytest.raises(ConnectError, match="No such file"):
        await connect("unix:/nonexistent/sock")


async def test_full_unix_backlog_is_waited_for_until_the_deadline(engine: str) -> None:
    """A non-blocking connect answers EAGAIN then, unix(7); nothing says when there is room."""
    address = UnixAddress(f"netwright-test-{id(engine)}", abstract=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address.sockname)
        listener.listen(0)
        async with await connect(address):
            with pytest.raises(DeadlineError, match="connect: timed out after"):
                await connect(address, timeout=0.5)
            async with asyncio.TaskGroup() as group:
                later = group.create_task(connect(address))
                await asyncio.sleep(0.1)
                listener.accept()[0].close()
            await later.result().close()


async def test_connect_from_a_local_address_of_choice(world: World) -> None:
    if world.transport == "unix":
        return
    peers: list[object] = []

    async def note(stream: Stream) -> None:
        peers.append(stream.peer)

    here = InetAddress("127.0.0.5", 0)
    async with world.serve(note) as listener, await connect(listener.address, local=here) as stream:
        assert await stream.read() == b""
    assert peers == [stream.local]
    assert str(stream.local).startswith("127.0.0.5:")


async def test_refusal_is_a_connection_refused_error_with_its_number_and_is_pickled(engine: str) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError) as caught:
            await connect(unheard.getsockname())
    assert isinstance(caught.value, ConnectError)
    assert caught.value.errno == errno.ECONNREFUSED
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), again.errno, str(again)) == (RefusedError, errno.ECONNREFUSED, str(caught.value))


async def test_other_failure_has_its_number_and_is_no_refusal(engine: str) -> None:
    with pytest.raises(ConnectError) as caught:
        await connect("unix:/nonexistent/sock")
    assert (caught.value.errno, isinstance(caught.value, ConnectionRefusedError)) == (errno.ENOENT, False)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (80, "80 (int) is not an address"),
        (None, "None (NoneType) is not an address"),
        (b"127.0.0.1:80", "(bytes) is not an address"),
        (("127.0.0.1", "80"), "is not an address"),
        (InetAddress("127.0.0.1", "80"), "'80' is of type str"),  # type: ignore[arg-type]
        (UnixAddress("a" * 200), "path of 200 bytes"),
        ("http://127.0.0.1:80", "a URL"),
    ],
    ids=str,
)
async def test_what_is_no_address_is_the_callers_mistake(engine: str, address: Any, told: str) -> None:
    recorder = Recorder()
    with pytest.raises(UsageError, match=re.escape(told)):
        await connect(address, recorder=recorder)
    assert recorder.live == {}


@pytest.mark.parametrize(
    "local", ["127.0.0.1:0", ("127.0.0.1", 0), InetAddress("127.0.0.1", 0)], ids=["text", "tuple", "address"]
)
async def test_local_address_is_taken_in_every_form(engine: str, local: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        async with await connect(server.getsockname(), local=local) as stream:
            assert stream.local.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("local", "told"), [("name:0", "is a name"), (("", 0), "has no host"), (7, "is not an address")], ids=str
)
async def test_local_address_that_is_none_is_the_callers_mistake(engine: str, local: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        await connect("127.0.0.1:80", local=local)


async def test_local_address_of_another_family_is_told(engine: str) -> None:
    with pytest.raises(ConnectError, match=r"local=\[::1\]:0 is of another family"):
        await connect("127.0.0.1:80", local="[::1]:0")


@pytest.mark.parametrize("bound", [{"timeout": -1.0}, {"timeout": -1e-9}, {"deadline": 0.0}], ids=str)
async def test_time_that_is_over_raises_at_once(engine: str, bound: dict[str, float]) -> None:
    """Also on a Unix socket, whose connect(2) never waits."""
    recorder, address = Recorder(), UnixAddress(f"netwright-test-{id(bound)}", abstract=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address.sockname)
        server.listen()
        with pytest.raises(DeadlineError, match="over before the call"):
            await connect(address, recorder=recorder, **bound)  # type: ignore[arg-type]
    assert [record.outcome for record in recorder.recent] == [Outcome.CONNECT_FAILED]


@pytest.mark.parametrize("name", ["timeout", "deadline"])
async def test_time_that_is_no_number_is_the_callers_mistake(engine: str, name: str) -> None:
    with pytest.raises(UsageError, match=f"{name}=nan"):
        await connect("127.0.0.1:80", **{name: float("nan")})  # type: ignore[arg-type]


@pytest.mark.realtime  # the lookup runs in a thread, for which a clock that jumps does not wait
@pytest.mark.parametrize("host", ["x" * 300, f"{'x' * 64}.example"])
async def test_name_that_can_be_none_is_a_connect_error(engine: str, host: str) -> None:
    """RFC 1034 §3.1: a label has at most 63 octets."""
    recorder = Recorder()
    with pytest.raises(ConnectError, match="not a host name"):
        await connect((host, 80), recorder=recorder)
    assert recorder.live == {}


@pytest.mark.parametrize("extra", range(4))
async def test_connect_without_descriptors_is_a_connect_error_and_ends_the_record(engine: str, extra: int) -> None:
    """The socket takes the last descriptor, and the engine's epoll set gets none."""
    recorder = Recorder()
    with socket.create_server(("127.0.0.1", 0)) as server:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        lowest = os.dup(0)
        os.close(lowest)
        before = descriptors()
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + extra, hard))
        try:
            stream = await connect(server.getsockname(), recorder=recorder)
        except ConnectError as error:
            assert error.errno == errno.EMFILE  # noqa: PT017
        else:
            await stream.close()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert descriptors() <= before
    assert recorder.live == {}
    assert [record.outcome is not Outcome.OPEN for record in recorder.recent] == [True]


async def test_limits_are_those_of_the_stream(engine: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        async with await connect(server.getsockname(), limits=Limits(first_byte=2.0)) as stream:
            begun = now()
            with pytest.raises(DeadlineError, match="first byte"):
                await stream.read()
            assert now() - begun == pytest.approx(2, abs=0.5)


async def test_option_that_the_system_refuses_is_named_in_the_record(engine: str) -> None:
    recorder = Recorder(watch_all=True)
    with socket.create_server(("127.0.0.1", 0)) as server:
        tuning = Tuning(congestion="carrier_pigeon")
        async with await connect(server.getsockname(), tuning=tuning, recorder=recorder) as stream:
            assert stream.record.timeline is not None
            assert ("TCP_CONGESTION",) in [moment.about for moment in stream.record.timeline]


async def test_raw_option_that_is_refused_fails_the_connect_by_name(engine: str) -> None:
    raw = Tuning(options=((socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"nowhere9"),))
    with pytest.raises(ConnectError, match=r"SO_BINDTODEVICE=b'nowhere9' of Tuning\.options"):
        await connect("127.0.0.1:80", tuning=raw)


@pytest.mark.realtime
async def test_unknown_name_is_named(engine: str) -> None:
    with pytest.raises(ConnectError, match=r"cannot look up nobody\.invalid:80"):
        await connect("nobody.invalid:80")


# names with several addresses: made-up answers, real listeners on 127.0.0.x, "IPv6" addresses that behave on demand


class Net:
    """Answers lookups and connects; ``behaviour`` of an address is seconds until it answers, or an error."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[int, tuple[float, list[str]]] = {socket.AF_INET6: (0.0, []), socket.AF_INET: (0.0, [])}
        self.behaviour: dict[str, float | OSError] = {}
        self.tried: list[tuple[str, float]] = []
        self.begun = now()
        loop, ours = asyncio.get_running_loop(), engine_of_loop()
        connect_for_real = ours.connect

        async def getaddrinfo(host: str, port: int, *, family: int, type: int) -> list[Any]:  # noqa: A002
            delay, hosts = self.answers[family]
            await asyncio.sleep(delay)
            if not hosts:
                raise socket.gaierror(socket.EAI_NODATA, "no such family")
            rest = (0, 0) if family == socket.AF_INET6 else ()
            return [(family, type, 6, "", (host, port, *rest)) for host in hosts]

        async def connecting(address: InetAddress, tuning: Tuning, local: Address | None) -> Handle:
            self.tried.append((address.host, round(now() - self.begun, 2)))
            behaviour = self.behaviour.get(address.host, 0.0)
            if isinstance(behaviour, OSError):
                raise behaviour
            await asyncio.sleep(behaviour)
            return await connect_for_real(address, tuning, local)

        monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
        monkeypatch.setattr(ours, "connect", connecting)


@pytest.fixture
def tcp(engine: str, tmp_path: Path) -> Iterator[World]:
    before = descriptors()
    yield World(engine, "tcp", tmp_path)
    assert descriptors() <= before


BLACKHOLE, REFUSED = 1000.0, OSError(errno.ECONNREFUSED, "refused")


@pytest.mark.parametrize(
    ("six", "sixes", "at"),
    [
        (BLACKHOLE, (0.0, ["::9"]), 0.25),  # connect_blackhole_v6: one attempt delay, RFC 8305 §5
        (REFUSED, (0.0, ["::9"]), 0.0),  # connect_rst_v6: at once
        (0.0, (3.0, ["::9"]), 0.05),  # slow_dns: IPv4 waits one resolution delay, RFC 8305 §3
        (0.0, (0.0, []), 0.0),  # no IPv6: at once
    ],
)
async def test_broken_ipv6_costs_at_most_one_attempt_delay(
    tcp: World, six: float | OSError, sixes: tuple[float, list[str]], at: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tcp.serve(hello) as listener:
        net = Net(monkeypatch)
        net.answers = {socket.AF_INET6: sixes, socket.AF_INET: (0.0, ["127.0.0.1"])}
        net.behaviour["::9"] = six
        async with await connect(("name", port_of(listener))) as stream:
            assert await stream.read() == b"hello"
            assert str(stream.peer) == f"127.0.0.1:{port_of(listener)}"
        (tried_at,) = [when for host, when in net.tried if host == "127.0.0.1"]
        assert at - 0.02 <= tried_at < at + 0.2


async def test_slow_lookup_of_the_other_family_holds_nothing_up(tcp: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """slow_dns_A, with the roles that this machine allows: the preferred answer is used at once."""
    async with tcp.serve(hello) as listener:
        net = Net(monkeypatch)
        net.answers = {socket.AF_INET6: (0.0, ["::ffff:127.0.0.1"]), socket.AF_INET: (5.0, ["127.0.0.1"])}
        async with await connect(("name", port_of(listener))) as stream:
            assert await stream.read() == b"hello"
        assert now() - net.begun < 1
        assert [host for host, _ in net.tried] == ["::ffff:127.0.0.1"]


async def test_failure_lists_every_address_and_cause(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """connect_all_fail."""
    net, recorder = Net(monkeypatch), Recorder()
    net.answers = {socket.AF_INET6: (0.0, ["::9"]), socket.AF_INET: (0.1, ["127.0.0.2", "127.0.0.3"])}
    net.behaviour = {"::9": OSError(errno.ENETUNREACH, ""), "127.0.0.2": REFUSED, "127.0.0.3": REFUSED}
    with pytest.raises(ConnectError) as caught:
        await connect(("name", 80), recorder=recorder)
    assert str(caught.value) == (
        "cannot connect to name:80: [::9]:80: Network is unreachable, "
        "127.0.0.2:80: Connection refused, 127.0.0.3:80: Connection refused"
    )
    assert [error.errno for error in caught.value.attempts if isinstance(error, OSError)] == [101, 111, 111]


async def test_deadline_says_whether_lookup_or_connect_was_late(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch)
    net.answers = {socket.AF_INET6: (BLACKHOLE, []), socket.AF_INET: (BLACKHOLE, [])}
    with pytest.raises(DeadlineError, match=r"resolve: timed out after 2"):
        await connect(("name", 80), timeout=2)
    net.answers[socket.AF_INET] = (0.0, ["127.0.0.1"])
    net.behaviour["127.0.0.1"] = BLACKHOLE
    with pytest.raises(DeadlineError, match=r"connect: timed out after 3"):
        await connect(("name", 80), deadline=now() + 3)


@pytest.mark.parametrize("cancelled", [False, True])
async def test_end_of_a_connect_is_not_blamed_on_an_attempt_that_failed_before(
    engine: str, monkeypatch: pytest.MonkeyPatch, cancelled: bool
) -> None:
    """The deadline or the caller ended the wait for the other family: a refusal's number would name a wrong cause."""
    net, recorder = Net(monkeypatch), Recorder()
    net.answers = {socket.AF_INET6: (BLACKHOLE, []), socket.AF_INET: (0.0, ["127.0.0.2"])}
    net.behaviour = {"127.0.0.2": REFUSED}
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1 if cancelled else None):
            await connect(("name", 80), timeout=3, recorder=recorder)
    (record,) = recorder.recent
    assert [attempt.errno for attempt in record.attempts] == [errno.ECONNREFUSED]
    assert (record.outcome, record.ended.stage, record.ended.errno) == (Outcome.CONNECT_FAILED, "connect", 0)


@pytest.mark.parametrize("slow", [0.0, 0.01])
async def test_race_that_is_cancelled_anywhere_leaves_nothing(
    tcp: World, slow: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both families answer, at the same time or nearly: losers and late winners are closed."""
    async with tcp.serve(hello) as listener:
        net = Net(monkeypatch)
        net.answers = {socket.AF_INET6: (0.0, ["::ffff:127.0.0.1"]), socket.AF_INET: (0.0, ["127.0.0.1"])}
        net.behaviour = {"::ffff:127.0.0.1": 0.25, "127.0.0.1": slow}
        count, cancelled = 1, True
        while cancelled:
            opened: list[Stream] = []

            async def open_one(opened: list[Stream] = opened) -> None:
                opened.append(await connect(("name", port_of(listener)), recorder=listener.recorder))

            cancelled = await cancelled_at(open_one(), count)
            for stream in opened:
                await stream.close()
            count += 1
        assert count > 5
        await until(lambda: not listener.recorder.live)


async def hello(stream: Stream) -> None:
    await stream.send(b"hello")


def port_of(listener: Listener) -> int:
    return listener.address.port


@pytest.mark.realtime
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("timeout", [10.0, -1.0])
async def test_failed_connect_leaves_no_cyclic_garbage(engine: str, host: str, timeout: float) -> None:
    """Errors keep frames and frames keep errors (cpython issue 124858): the collector would have to find them."""

    async def fail(count: int) -> None:
        for _ in range(count):
            try:
                await connect((host, port), timeout=timeout)
            except OSError:
                continue
        await asyncio.sleep(0)

    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
        await fail(2)  # what is made once
        gc.collect()
        gc.disable()
        try:
            await fail(10)
            assert gc.collect() == 0
        finally:
            gc.enable()


@pytest.mark.parametrize("refused_first", [True, False])
async def test_addresses_that_failed_in_different_ways_are_no_refusal(
    tcp: World, monkeypatch: pytest.MonkeyPatch, refused_first: bool
) -> None:
    """RefusedError says that every address refused: a program may then start what should listen there."""
    net = Net(monkeypatch)
    net.answers = {socket.AF_INET6: (0.0, ["::9"]), socket.AF_INET: (0.0, ["127.0.0.9"])}
    failures = [REFUSED, OSError(errno.EHOSTUNREACH, "no route")]
    net.behaviour = dict(zip(["::9", "127.0.0.9"], failures if refused_first else failures[::-1], strict=True))
    with pytest.raises(ConnectError) as caught:
        await connect("host.test:80")
    assert not isinstance(caught.value, ConnectionRefusedError)
    assert len(caught.value.attempts) == 2
