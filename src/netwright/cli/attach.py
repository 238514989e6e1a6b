"""The console of a serving process: joined if it runs, started if not, started again if it died.

Consoles are found by their address: one feed socket for each in the user's runtime directory.  Programs that are
served with one console address share the console.  It ends by itself when nobody feeds it any more.
"""

import asyncio
import errno
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from netwright.cli.holder import holders
from netwright.cli.problem import UnreachableProblem
from netwright.core.address import InetAddress, UnixAddress
from netwright.proto.feed import FORMAT

__all__ = ["DEFAULT_CONSOLE", "Keeper", "runtime_directory"]

DEFAULT_CONSOLE = InetAddress("127.0.0.1", 8001)
START_TIMEOUT = 10.0  # seconds from the start of the process to its first line
SOON, RARELY = 2.0, 60.0  # seconds between two starts that failed: the first pause, and the longest
LOG_LIMIT = 256 * 1024  # bytes of console.log above which the next start empties it


class Keeper:
    """``prepare`` makes sure that a console listens on ``feed``.

    Args:
        bind: the page's address.
        fixed: the user asked for it: taken is an error, not a reason for another port.
        hosts: a reverse proxy's host names, which the page answers to as well.
    """

    def __init__(
        self, bind: InetAddress, *, fixed: bool, report: Callable[[str], None], hosts: Sequence[str] = ()
    ) -> None:
        self.bind, self._fixed, self._report, self._hosts = bind, fixed, report, hosts
        self.process: subprocess.Popen[bytes] | None = None
        self.feed = self._feed(str(bind.port or f"pid{os.getpid()}"))
        self._log = runtime_directory() / "console.log"
        self._next, self._pause, self._told = (
            0.0,
            SOON,
            "",
        )  # of prepare: the next start, the pause after it, its trouble
        self._unasked = False  # a process was started, and nobody has asked yet whether it is ready

    def begin(self) -> None:
        """Start a console, if none listens: it gets ready while the program loads.  ``first`` or ``forget`` follows."""
        if not listens(self.feed):
            self.process, self._unasked = self._spawn(), True

    def forget(self) -> None:
        """The program does not load: end what ``begin`` started."""
        if self.process is not None:
            assert self.process.stdout is not None
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()

    def _feed(self, name: str) -> UnixAddress:
        host = self.bind.host.replace(":", "_").replace("/", "_") or "any"
        return UnixAddress(str(runtime_directory() / f"{host}-{name}.{FORMAT}"))

    async def first(self) -> None:
        """Before the first connect.

        Raises:
            UnreachableProblem: the address that the user asked for is taken.
        """
        if (not self._unasked and listens(self.feed)) or await self._start() or listens(self.feed):
            return
        who = [str(holder) for holder in holders(self.bind.port)]
        if self._fixed:
            fix = f"--console {InetAddress(self.bind.host, 0)} takes a free port, --no-console none"
            why = "\n".join(who) or self.last_words()
            raise UnreachableProblem(f"no console on {self.bind}", why=why, fix=fix)
        self._report(f"console on a free port: {who[0] if who else f'{self.bind} is taken'}")
        self.bind = InetAddress(self.bind.host, 0)
        self.feed = self._feed(f"pid{os.getpid()}")
        await self._start()

    async def prepare(self) -> None:
        """Before each connect: start a console if none listens.

        Trouble is reported once; the tries become rarer, up to RARELY; the service goes on.
        """
        loop = asyncio.get_running_loop()
        if listens(self.feed):
            self._pause, self._told = SOON, ""
            return
        if loop.time() < self._next or await self._start() or listens(self.feed):  # another program may have been first
            return
        self._next, self._pause = loop.time() + self._pause, min(2 * self._pause, RARELY)
        words = self.last_words()
        if words != self._told:
            self._report(f"no console, more tries follow: {words}")
        self._told = words

    def last_words(self) -> str:
        """The last line that the console wrote to its log."""
        lines = self._log.read_text(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line), "it said nothing")

    async def _start(self) -> bool:
        """True if it said that it is ready."""
        if self.process is not None:
            self.process.poll()  # reaped, if it died
        if self.process is None or not self._unasked:
            self.process = self._spawn()
        self._unasked = False
        return await self._is_ready(self.process)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "netwright.console", "--feed", self.feed.path, "--bind", str(self.bind)]
        command += [f"--host={host}" for host in self._hosts]
        full = self._log.exists() and self._log.stat().st_size > LOG_LIMIT
        with open(self._log, "wb" if full else "ab") as log:  # not our stderr: it may outlive us and whoever reads that
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C at the terminal is for the service
            )

    async def _is_ready(self, process: "subprocess.Popen[bytes]") -> bool:
        assert process.stdout is not None
        line = b""
        try:
            async with asyncio.timeout(START_TIMEOUT):
                line = await asyncio.to_thread(process.stdout.readline)
        except TimeoutError:
            process.kill()
        process.stdout.close()
        if not line:
            await asyncio.to_thread(process.wait)
        return bool(line)


def listens(feed: UnixAddress) -> bool:
    """True if somebody accepts on ``feed`` now."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        return probe.connect_ex(feed.sockname) in (0, errno.EAGAIN)


def runtime_directory() -> Path:
    """The user's own directory for sockets; nobody else may look into it.

    Raises:
        UnreachableProblem: somebody else made it.
    """
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    path = Path(given, "netwright") if given else Path(tempfile.gettempdir(), f"netwright-{os.getuid()}")
    path.mkdir(mode=0o700, exist_ok=True, parents=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        why = f"owner {found.st_uid}, mode {stat.S_IMODE(found.st_mode):o}; {os.getuid()} and 700 wanted"
        raise UnreachableProblem(f"{path} is not private", why=why, fix=f"rm -r {path}")
    return path
