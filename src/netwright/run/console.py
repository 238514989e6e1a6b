"""The console of a serving process, a process of its own: joined if it runs, started if not, restarted if it died.

Programs find a console by its address: the user's private folder holds one Unix socket for each.  Programs that run
with the same console address share the console.  It ends by itself when no program feeds it any more.
"""

import asyncio
import contextlib
import errno
import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from netwright.core.address import InetAddress, UnixAddress
from netwright.run.folder import console_folder, feed_name
from netwright.run.holder import holders
from netwright.run.problem import UNREACHABLE, Code, Problem

__all__ = ["ConsoleProcess", "listens"]

START_TIMEOUT = 10.0  # seconds from the start of the process to its first line
SOON, RARELY = 2.0, 60.0  # seconds between two failed starts: the first pause, and the longest
LOG_LIMIT = 256 * 1024  # bytes of console.log above which the next start empties it


class ConsoleProcess:
    """The console that serves its page on ``bind`` and takes programs' records on ``feed``.

    Args:
        bind: the page's address.
        required: the user named it, so that another program on it is an error; otherwise a free port is taken.
        report: called with a line for people when there is trouble with the console.
        fix: how the user names another address, for the error about a required one.
        hosts: a reverse proxy's host names, which the page answers to as well.

    Raises:
        Problem: a required address is taken, or there is no private folder.
    """

    def __init__(
        self,
        bind: InetAddress,
        *,
        required: bool,
        report: Callable[[str], None],
        fix: str = "",
        hosts: Sequence[str] = (),
    ) -> None:
        self.bind, self._report, self._hosts = bind, report, hosts
        self.process: subprocess.Popen[bytes] | None = None
        folder = console_folder(bind)
        self._folder = folder.path
        self.feed = self._feed(str(bind.port or f"pid{os.getpid()}"))
        self._log = folder.path / "console.log"
        self._next_start, self._pause, self._reported = 0.0, SOON, ""  # of ``prepare``
        self._unread = False  # the process was started, and its first line has not been read
        self._reading = False  # a thread waits for that line
        if folder.passed_over:
            report(f"the console's socket is in {folder.path}: {folder.passed_over} [{Code.CONSOLE_FOLDER}]")
        if required and bind.port and not listens(self.feed) and _is_taken(bind):
            raise self._taken(fix)

    def begin(self) -> None:
        """Start a console if none listens; it gets ready while the program loads.

        Raises:
            OSError: no process can be started.
        """
        if not listens(self.feed):
            self.process, self._unread = self._spawn(), True

    def end(self) -> None:
        """End the process that ``begin`` started, unless it was seen ready: then it may serve other programs."""
        if self.process is not None and self._unread:
            self.process.kill()
            self.process.wait()
            if not self._reading and self.process.stdout is not None:
                self.process.stdout.close()

    def _feed(self, name: str) -> UnixAddress:
        return UnixAddress(str(self._folder / feed_name(self.bind, name)))

    def _taken(self, fix: str) -> Problem:
        why = "\n".join(str(holder) for holder in holders(self.bind.port)) or "another program listens there"
        return Problem(f"no console on {self.bind}", code=Code.CONSOLE_IN_USE, why=why, fix=fix, exit_code=UNREACHABLE)

    async def first(self) -> None:
        """Before the first connect: wait until the console is ready; if its port is taken, use a free one."""
        if (not self._unread and listens(self.feed)) or await self._start() or listens(self.feed):
            return
        if not _is_taken(self.bind):
            return  # ``prepare`` tries again, and reports why it failed
        who = [str(holder) for holder in holders(self.bind.port)]
        self._report(f"console on a free port: {who[0] if who else f'{self.bind} is taken'}")
        self.bind = InetAddress(self.bind.host, 0)
        self.feed = self._feed(f"pid{os.getpid()}")
        await self._start()

    async def prepare(self) -> None:
        """Before each connect: start a console if none listens.

        Trouble is reported once; failed starts become rarer, up to RARELY; the service goes on.
        """
        loop = asyncio.get_running_loop()
        if listens(self.feed):
            self._pause, self._reported = SOON, ""
            return
        if loop.time() < self._next_start or await self._start() or listens(self.feed):  # another program's, by now
            return
        self._next_start, self._pause = loop.time() + self._pause, min(2 * self._pause, RARELY)
        words = self.last_words()
        if words != self._reported:
            self._report(f"no console, the service goes on and tries again: {words} [{Code.CONSOLE_FAILED}]")
        self._reported = words

    def last_words(self) -> str:
        """The last line of the console's log."""
        try:
            lines = self._log.read_text(errors="replace").split("\n")
        except OSError as error:
            return f"{self._log}: {error.strerror}"
        return next((line for line in reversed(lines) if line), "it said nothing")

    async def _start(self) -> bool:
        """Start the console's process; return True if it printed in time that it is ready."""
        if self.process is not None:
            self.process.poll()  # reaped, if it died
        if self.process is None or not self._unread:
            try:
                self.process = self._spawn()
            except OSError as error:
                with contextlib.suppress(OSError):
                    self._log.write_text(f"{sys.executable or 'python'} cannot be started: {error}\n")
                return False
        self._unread = self._reading = True
        ready = await asyncio.to_thread(_is_ready, self.process)
        self._unread = self._reading = False
        return ready

    def _spawn(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-P", "-m", "netwright.console", "--feed", self.feed.path, "--bind", str(self.bind)]
        command += [f"--host={host}" for host in self._hosts]
        full = self._log.exists() and self._log.stat().st_size > LOG_LIMIT
        with open(self._log, "wb" if full else "ab") as log:  # not our stderr: the console may outlive its reader
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C at the terminal is for the service
            )


def _is_ready(process: "subprocess.Popen[bytes]") -> bool:
    """Wait for its first line; in a thread, since a blocked event loop must not be taken for a slow console."""
    assert process.stdout is not None
    until, line = time.monotonic() + START_TIMEOUT, b""
    with process.stdout as output, selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            readable = selector.select(max(0.0, until - time.monotonic()))
            piece = os.read(output.fileno(), 4096) if readable else b""
            if not piece:
                break
            line += piece
    if not line.endswith(b"\n"):
        process.kill()
        process.wait()
        return False
    return True


def listens(feed: UnixAddress) -> bool:
    """True if a process accepts connections on ``feed`` now."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        return probe.connect_ex(feed.sockname) in (0, errno.EAGAIN)


def _is_taken(bind: InetAddress) -> bool:
    """True if another socket holds the address; a name is not looked up."""
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind.host, bind.port))
            probe.listen(1)
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False
