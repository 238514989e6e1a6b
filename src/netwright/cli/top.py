"""``netwright top``: the console's table of connections in the terminal, and the life of one of them."""

import json
import os
import re
import select
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

import click

from netwright.cli.life import life
from netwright.cli.options import AddressType, Seconds
from netwright.cli.problem import Code, Problem, UnreachableProblem
from netwright.cli.table import Column, fit, printable, shorten
from netwright.console.query import COMPARED, MATCHED
from netwright.console.secret import read_token, token_path
from netwright.console.view import bound
from netwright.core.address import Address, InetAddress
from netwright.core.units import seconds, size
from netwright.run.folder import console_folder
from netwright.run.problem import Problem as RunProblem
from netwright.run.settings import DEFAULT_CONSOLE

__all__ = ["Answer", "View", "ask", "command", "help_lines", "keys_of", "picture", "screen"]

SLOWEST_ANSWER = 5.0  # seconds
SORTS = ("", "age", "rtt", "cwnd", "retrans", "in", "out", "waited")  # in the order in which the key s takes them
ROWS = 10_000  # of --json
Answer: TypeAlias = dict[str, Any]
Ask: TypeAlias = Callable[[str, dict[str, str | int]], Answer]


@dataclass
class View:
    """The view on the screen: table, one connection or help; keys change it.

    Attributes:
        typing: a filter that is being typed, or None.
        selected: the id of the marked connection, or "".
        opened: the id of the connection whose life is shown, or "".
        first: the row at the top of the table.
        ids: the rows of the last table.
    """

    filter: str = ""
    sort: str = ""
    typing: str | None = None
    selected: str = ""
    opened: str = ""
    help: bool = False
    first: int = 0
    ids: list[str] = field(default_factory=list)

    def press(self, key: str) -> bool:
        """Take one key; False ends the program."""
        if self.typing is not None:
            self._type(key)
        elif key in ("q", "\x03"):
            return False
        elif self.help or key == "?":
            self.help = not self.help
        elif key in ("esc", "\x7f", "left"):
            self.opened = ""
        elif key in ("\r", "\n", "right"):
            self.opened = self.selected or (self.ids[0] if self.ids else "")
            self.selected = self.opened
        elif key in _MOVES:
            self._move(_MOVES[key])
        else:
            self._arrange(key)
        return True

    def _arrange(self, key: str) -> None:
        if key == "/":
            self.typing = self.filter
        elif key == "s":
            bare = self.sort.removeprefix("-")
            self.sort = SORTS[(SORTS.index(bare) + 1) % len(SORTS)] if bare in SORTS else ""
        elif key == "r" and self.sort:
            self.sort = self.sort[1:] if self.sort.startswith("-") else f"-{self.sort}"

    def _move(self, step: int) -> None:
        at = self.ids.index(self.selected) + step if self.selected in self.ids else 0
        if self.ids:
            self.selected = self.ids[max(0, min(at, len(self.ids) - 1))]
        if self.opened:
            self.opened = self.selected

    def _type(self, key: str) -> None:
        assert self.typing is not None
        if key in ("\r", "\n"):
            self.filter, self.typing, self.first = self.typing, None, 0
        elif key == "esc":
            self.typing = None
        elif key in ("\x7f", "\b"):
            self.typing = self.typing[:-1]
        elif len(key) == 1 and key.isprintable():
            self.typing += key


_MOVES = {"j": 1, "down": 1, "k": -1, "up": -1, "page down": 10, "page up": -10}
_KEYS = (
    ("q", "quit"),
    ("j k ↓ ↑", "mark a connection"),
    ("Enter", "open its life; Esc closes it"),
    ("/", "filter; Enter applies, Esc cancels"),
    ("s", f"sort by {', '.join(SORTS[1:])}, not at all"),
    ("r", "reverse the order"),
    ("?", "this help"),
)


@click.command("top")
@click.option(
    "--console", type=AddressType(), default=str(DEFAULT_CONSOLE), show_default=True, help="Address of the console."
)
@click.option("--token", default="", help="The console's token, if another user started it.")
@click.option("--filter", "words", default="", metavar="WORDS", help="As on the page: rtt>120 retrans>0 svc:http")
@click.option("--sort", default="", metavar="COLUMN", help="rtt, in, age, peer, …; -rtt reverses.")
@click.option("--interval", type=Seconds(0.25, 3600), default=1.0, show_default=True, help="Seconds between updates.")
@click.option("--once", is_flag=True, help="Print one table and end; the default where stdout is not a terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and end.")
def command(console: Address, token: str, words: str, sort: str, interval: float, once: bool, as_json: bool) -> None:
    """Show the connections of every program that feeds the console, the live ones first.

    Keys: q quits, Enter opens a connection, / filters, s sorts, ? helps.
    """
    if not isinstance(console, InetAddress):
        raise click.BadParameter(f"{console}: host:port required", param_hint="--console")
    view = View(words, sort)
    token = token or _own_token(console)

    def asking(path: str, query: dict[str, str | int]) -> Answer:
        return ask(console, token, path, query)

    if as_json:
        click.echo(json.dumps(_table(asking, view, ROWS)))
    elif once or not (sys.stdin.isatty() and sys.stdout.isatty()):
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
        click.echo("\n".join(screen(_table(asking, view, ROWS), view, width=width)))
    else:
        _watch(asking, view, interval)


def _own_token(console: InetAddress) -> str:
    """Return the token of a console that this user started; "" if there is none."""
    try:
        return read_token(token_path(console_folder(console).path, console))
    except RunProblem:
        return ""


def ask(console: InetAddress, token: str, path: str, query: dict[str, str | int]) -> Answer:
    """Request one resource of the console's API; return its JSON value.

    Raises:
        Problem: the console refuses the filter, the column or the token.
        UnreachableProblem: nobody answers.
    """
    fields = {"Authorization": f"Bearer {token}"} if token else {}
    asked = HTTPConnection(console.host, console.port, timeout=SLOWEST_ANSWER)
    try:
        asked.request("GET", f"/api/{path}?{urlencode(query)}", headers=fields)
        answer = asked.getresponse()
        body = answer.read()
    except (OSError, HTTPException) as error:
        fix = "netwright serve app.py starts one; --console names another"
        raise UnreachableProblem(
            f"no console on {console}",
            code=Code.CONSOLE_SILENT,
            why=getattr(error, "strerror", "") or str(error),
            fix=fix,
        ) from error
    finally:
        asked.close()
    if answer.status != 200:
        text = body.decode(errors="replace").removeprefix(f"{answer.status} {answer.reason}").strip()
        said = " ".join(printable(line) for line in text.splitlines())
        raise Problem(f"the console refused the request: {said}", code=Code.CONSOLE_REFUSED)
    found: Answer = json.loads(body)
    return found


def _table(asking: Ask, view: View, limit: int) -> Answer:
    return asking("connections", {"filter": view.filter, "sort": view.sort, "limit": limit})


# pictures


def screen(answer: Answer, view: View, *, width: int, height: int = 0) -> list[str]:
    """Return the lines of the table, none wider than ``width`` and at most ``height``; 0 fits everything."""
    rows = answer["connections"]
    head = _count(answer)
    head += f"  sort: {view.sort}" if view.sort else ""
    head += f"  filter: {view.filter}" if view.filter else ""
    if height:
        visible = max(1, height - 2)
        at = view.ids.index(view.selected) if view.selected in view.ids else 0
        view.first = max(0, min(max(view.first, at - visible + 1), at, len(rows) - 1))
        rows = rows[view.first : view.first + visible]
    return [shorten(head, width) if width else head, *fit(COLUMNS, rows, answer["now"], width)]


def _count(answer: Answer) -> str:
    """Count the live rows.  They come first: unless all rows that were sent are live, none of them is missing."""
    rows, matched = answer["connections"], answer["matched"]
    live = sum(not row["closed"] for row in rows)
    if live == len(rows) < matched:
        return f"{matched:,} connections, the first {live:,} are live"
    return f"{live:,} live, {matched - live:,} recently closed"


def _peer(row: Any) -> str:
    """Return the peer; a long IPv6 address without its middle, since the port matters more."""
    peer = row["peer"] if len(row["peer"]) <= 28 else f"{row['peer'][:12]}…{row['peer'][-15:]}"
    return f"→ {peer}" if row["role"] == "connected" else peer


def _waits(row: Any, now: float) -> str:
    return row["note"] or (f"{row['waiting']} {seconds(now - row['waiting_since'])}" if row["waiting"] else "")


COLUMNS = (
    Column("#", 4, lambda row, now: row["id"]),
    Column("PEER", 11, lambda row, now: _peer(row)),
    Column("SERVICE", 9, lambda row, now: row["service"], least=7),
    Column("STATE", 10, lambda row, now: row["state"]),
    Column("AGE", 8, lambda row, now: seconds((row["closed"] or now) - row["opened"]), right=True),
    Column("RTT", 5, lambda row, now: seconds(row["rtt"]) if row["rtt"] else "", right=True),
    Column("CWND", 1, lambda row, now: str(row["cwnd"] or ""), right=True),
    Column("RTX", 2, lambda row, now: str(row["rtx"] or ""), right=True),
    Column("IN", 7, lambda row, now: size(row["bytes_in"]), right=True),
    Column("OUT", 6, lambda row, now: size(row["bytes_out"]), right=True),
    Column("BOUND BY", 3, bound, least=8),
    Column("WAITS FOR, WHY IT ENDED", 12, _waits, least=18),
)


def help_lines(width: int) -> list[str]:
    """Return the keys and the filter language."""
    lines = []
    for keys, what in _KEYS:
        lines += textwrap.wrap(what, width, initial_indent=f"{keys:<8}  ", subsequent_indent=" " * 10)
    language = (
        "A filter is words that must all match.  key:text looks in one column, key>number and key<number compare, "
        "a bare word looks everywhere, - in front excludes."
    )
    for text in (language, f"key: is one of {', '.join(MATCHED)}.", f"key> is one of {', '.join(COMPARED)}."):
        lines += ["", *textwrap.wrap(text, width)]
    return lines


def picture(asking: Ask, view: View, width: int, height: int) -> list[str]:
    """Return ``height`` lines: the table, a life or the help; last the keys, or the filter that is being typed."""
    try:
        lines = _body(asking, view, width, height - 1)
    except Problem as problem:
        lines = [part for line in str(problem).splitlines() for part in textwrap.wrap(line, width) or [""]]
    lines = lines[: height - 1]
    keys = "Esc back · j k next" if view.opened else "Enter open · / filter · s sort"
    prompt = f"/{view.typing}" if view.typing is not None else f"q quit · {keys} · ? help"
    return [*lines, *[""] * (height - 1 - len(lines)), shorten(prompt, width)]


def _body(asking: Ask, view: View, width: int, height: int) -> list[str]:
    if view.help:
        return help_lines(width)
    if view.opened:
        return life(asking(f"connections/{quote(view.opened)}", {"watch": 1}), width)
    answer = _table(asking, view, view.first + 2 * max(1, height))
    view.ids = [row["id"] for row in answer["connections"]]
    lines = screen(answer, view, width=width, height=height)
    marked = view.ids.index(view.selected) - view.first + 2 if view.selected in view.ids else 0
    if 2 <= marked < len(lines):
        lines[marked] = f"\x1b[7m{lines[marked]}\x1b[27m"
    return lines


# the terminal


def _watch(asking: Ask, view: View, interval: float) -> None:
    """Draw each ``interval`` and after each key, until q or Ctrl-C."""
    with _terminal() as keys:
        while True:
            width, height = _size()
            lines = picture(asking, view, width, height)
            sys.stdout.write("\x1b[H" + "\r\n".join(f"{line}\x1b[K" for line in lines))
            sys.stdout.flush()
            for key in keys(interval):
                if not view.press(key):
                    return


def _size() -> tuple[int, int]:
    """Return the terminal's columns and lines; COLUMNS and LINES only where it gives none."""
    width, height = os.get_terminal_size(sys.stdout.fileno())
    return (width, height) if width and height else shutil.get_terminal_size()


_KEY = re.compile(r"\x1b(?:\[|O)([0-9;]*[A-Za-z~])|(\x1b)|(.)", re.DOTALL)
_NAMED = {"A": "up", "B": "down", "C": "right", "D": "left", "5~": "page up", "6~": "page down"}


def keys_of(text: str) -> list[str]:
    """Split what a terminal sent into keys: letters, and names for the arrows (xterm's control sequences)."""
    found = []
    for sequence, escape, letter in _KEY.findall(text):
        found.append("esc" if escape else letter or _NAMED.get(sequence, ""))
    return [key for key in found if key]


@contextmanager
def _terminal() -> Iterator[Callable[[float], list[str]]]:
    """Use the alternate screen (xterm's 1049) and read keys without echo; restore both at the end."""
    try:
        import termios
        import tty
    except ImportError:  # Windows
        raise Problem("top has no live screen on this system", code=Code.TERMINAL, fix="--once, in a loop") from None
    before = termios.tcgetattr(sys.stdin)

    def keys(timeout: float) -> list[str]:
        ready, _, _ = select.select([sys.stdin], [], [], timeout)
        if not ready:
            return []
        return keys_of(os.read(sys.stdin.fileno(), 1024).decode(errors="replace")) or ["q"]  # the terminal is gone

    try:
        tty.setcbreak(sys.stdin)
        sys.stdout.write("\x1b[?1049h\x1b[?25l")
        yield keys
    finally:
        sys.stdout.write("\x1b[?25h\x1b[?1049l")
        sys.stdout.flush()
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
