"""``netwright top``: the console's table of connections in the terminal."""

import json
import os
import select
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any, TypeAlias
from urllib.parse import urlencode

import click

from netwright.cli.options import AddressType, Seconds
from netwright.cli.problem import Code, Problem, UnreachableProblem
from netwright.console.secret import read_token, token_path
from netwright.console.view import bound
from netwright.core.address import Address, InetAddress
from netwright.run.folder import console_folder
from netwright.run.problem import Problem as RunProblem
from netwright.run.settings import DEFAULT_CONSOLE

__all__ = ["View", "ask", "command", "screen"]

SLOWEST_ANSWER = 5.0  # seconds
SORTS = ("", "age", "rtt", "cwnd", "retrans", "in", "out", "waited")  # what the key s goes through
ROWS = 10_000  # of --json
Answer: TypeAlias = dict[str, Any]
Ask: TypeAlias = Callable[["View", int], Answer]


@dataclass
class View:
    """What is looked at; the keys change it."""

    filter: str = ""
    sort: str = ""
    typing: str | None = None  # a filter that is being typed

    def press(self, key: str) -> bool:
        """One key; False ends it."""
        if self.typing is not None:
            self._type(key)
        elif key == "/":
            self.typing = self.filter
        elif key == "s":
            self.sort = SORTS[(SORTS.index(self.sort.removeprefix("-")) + 1) % len(SORTS)] if self._known() else ""
        elif key == "r" and self.sort:
            self.sort = self.sort[1:] if self.sort.startswith("-") else f"-{self.sort}"
        return self.typing is not None or key not in ("q", "\x03")

    def _known(self) -> bool:
        return self.sort.removeprefix("-") in SORTS

    def _type(self, key: str) -> None:
        assert self.typing is not None
        if key in ("\r", "\n"):
            self.filter, self.typing = self.typing, None
        elif key == "\x1b":
            self.typing = None
        elif key in ("\x7f", "\b"):
            self.typing = self.typing[:-1]
        elif key.isprintable():
            self.typing += key


@click.command("top")
@click.option("--console", type=AddressType(), default=str(DEFAULT_CONSOLE), show_default=True, help="The console.")
@click.option("--token", default="", help="The console's token, if another user started it.")
@click.option("--filter", "words", default="", metavar="WORDS", help="As on the page: rtt>120 retrans>0 svc:http")
@click.option("--sort", default="", metavar="COLUMN", help="rtt, in, age, peer, …; -rtt turns it around.")
@click.option("--interval", type=Seconds(0.25, 3600), default=1.0, show_default=True, help="Seconds.")
@click.option("--once", is_flag=True, help="One table, then end; so it is, too, where stdout is no terminal.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, then end.")
def command(console: Address, token: str, words: str, sort: str, interval: float, once: bool, as_json: bool) -> None:
    """The connections of every program that the console knows.  Keys: q ends, s sorts, r reverses, / filters."""
    if not isinstance(console, InetAddress):
        raise click.BadParameter(f"{console}: host:port wanted", param_hint="--console")
    view = View(words, sort)
    token = token or _own_token(console)

    def asking(view: View, limit: int) -> Answer:
        return ask(console, token, view, limit)

    if as_json:
        click.echo(json.dumps(asking(view, ROWS)))
    elif once or not (sys.stdin.isatty() and sys.stdout.isatty()):
        click.echo("\n".join(screen(asking(view, ROWS), view, width=0)))
    else:
        watch(asking, view, interval)


def _own_token(console: InetAddress) -> str:
    """The token of a console that this user started; "" if there is none."""
    try:
        return read_token(token_path(console_folder(console).path, console))
    except RunProblem:
        return ""


def ask(console: InetAddress, token: str, view: View, limit: int) -> Answer:
    """One answer of ``/api/connections``.

    Raises:
        Problem: the console refuses the filter, the column or the token.
        UnreachableProblem: nobody answers.
    """
    query = {"filter": view.filter, "sort": view.sort, "limit": limit}
    fields = {"Authorization": f"Bearer {token}"} if token else {}
    asked = HTTPConnection(console.host, console.port, timeout=SLOWEST_ANSWER)
    try:
        asked.request("GET", f"/api/connections?{urlencode(query)}", headers=fields)
        answer = asked.getresponse()
        body = answer.read()
    except (OSError, HTTPException) as error:
        fix = "netwright serve app.py starts one; --console names another"
        raise UnreachableProblem(
            f"no console on {console}", code=Code.CONSOLE_SILENT, why=str(error), fix=fix
        ) from error
    finally:
        asked.close()
    if answer.status != 200:
        answered = printable(body.decode(errors="replace").strip())
        raise Problem(f"the console refuses: {answered}", code=Code.CONSOLE_REFUSED)
    found: Answer = json.loads(body)
    return found


# what is seen


def screen(answer: Answer, view: View, *, width: int, height: int = 0) -> list[str]:
    """The lines of one picture, cut to ``width`` and ``height``; 0 cuts nothing."""
    rows, now = answer["connections"], answer["now"]
    live = sum(not row["closed"] for row in rows)
    order = f"  sort: {view.sort}" if view.sort else ""
    words = f"  filter: {view.filter}" if view.filter else ""
    head = f"{answer['matched']} connections, {live} of the {len(rows)} here live{order}{words}"
    table = [_HEAD, *(_cells(row, now) for row in rows)]
    widths = [max(len(line[at]) for line in table) for at in range(len(_HEAD))]
    lines = [head, *("  ".join(_padded(line, widths)).rstrip() for line in table)]
    if height:
        lines = lines[: height - 1]
    return [line[:width] if width else line for line in lines]


_HEAD = (
    *["#", "PEER", "SERVICE", "STATE", "AGE", "RTT", "CWND", "RTX", "IN", "OUT"],
    "BOUND BY",
    "WAITS FOR, WHY IT ENDED",
)
_RIGHT = frozenset({"AGE", "RTT", "CWND", "RTX", "IN", "OUT"})


def _padded(line: tuple[str, ...], widths: list[int]) -> Iterator[str]:
    for name, cell, width in zip(_HEAD, line, widths, strict=True):
        yield cell.rjust(width) if name in _RIGHT else cell.ljust(width)


def _cells(row: Any, now: float) -> tuple[str, ...]:
    waits = f"{row['waiting']} {_seconds(now - row['waiting_since'])}" if row["waiting"] else ""
    peer = f"{'→ ' if row['role'] == 'connected' else ''}{row['peer']}"
    cells = (row["id"], peer, row["service"], row["state"], _seconds((row["closed"] or now) - row["opened"]))
    numbers = (_seconds(row["rtt"]) if row["rtt"] else "", row["cwnd"] or "", row["rtx"] or "")
    ends = (_bytes(row["bytes_in"]), _bytes(row["bytes_out"]), bound(row, now), row["note"] or waits)
    return tuple(printable(str(cell)) for cell in (*cells, *numbers, *ends))


def printable(text: str) -> str:
    """What a peer sent must not steer the terminal (ECMA-48 control functions)."""
    return "".join(letter if letter.isprintable() else "·" for letter in text)


def _seconds(seconds: float) -> str:
    for scale, unit in ((1e-3, "µs"), (1.0, "ms")):
        if seconds < scale:
            return f"{max(0.0, seconds) / scale * 1000:.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _bytes(size: int) -> str:
    for scale, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} B"


# the terminal


def watch(asking: Ask, view: View, interval: float) -> None:
    """Draw each ``interval`` and after each key, until q or Ctrl-C."""
    with _terminal() as keys:
        while True:
            sys.stdout.write(_picture(asking, view))
            sys.stdout.flush()
            for key in keys(interval):
                if not view.press(key):
                    return


def _picture(asking: Ask, view: View) -> str:
    width, height = shutil.get_terminal_size()
    try:
        lines = screen(asking(view, max(1, height - 3)), view, width=width, height=height)
    except Problem as problem:
        lines = str(problem).splitlines()
    prompt = f"/{view.typing}" if view.typing is not None else "q end · s sort · r reverse · / filter"
    lines += [""] * (height - 1 - len(lines)) + [prompt[:width]]
    return "\x1b[H" + "".join(f"{line}\x1b[K\r\n" for line in lines[:-1]) + f"{lines[-1]}\x1b[K"


@contextmanager
def _terminal() -> Iterator[Callable[[float], str]]:
    """The other screen (xterm's 1049), keys without echo and line end; both as before at the end."""
    try:
        import termios
        import tty
    except ImportError:  # Windows
        raise Problem("top has no live screen on this system", code=Code.TERMINAL, fix="--once, in a loop") from None
    before = termios.tcgetattr(sys.stdin)

    def keys(timeout: float) -> str:
        ready, _, _ = select.select([sys.stdin], [], [], timeout)
        if not ready:
            return ""
        return os.read(sys.stdin.fileno(), 1024).decode(errors="replace") or "q"  # the terminal is gone: end

    try:
        tty.setcbreak(sys.stdin)
        sys.stdout.write("\x1b[?1049h\x1b[?25l")
        yield keys
    except KeyboardInterrupt:
        return
    finally:
        sys.stdout.write("\x1b[?25h\x1b[?1049l")
        sys.stdout.flush()
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
