"""Parse a drill script.  Packets of other protocols (ICMP, UDP, PSP, tunnels) raise UnsupportedError."""

import re
from collections.abc import Iterator

from netwright.core.errors import UsageError
from netwright.testing.drill.values import (
    Action,
    Argument,
    Call,
    Code,
    Event,
    Names,
    Option,
    Packet,
    Script,
    Shell,
    Time,
    When,
)

__all__ = ["UnsupportedError", "parse"]

_NUMBER = r"(?:\d+\.?\d*|\.\d+)"
_WHEN = re.compile(rf"\s*(\*|(\+?)\s*({_NUMBER})(?:\s*(?:~\s*(\+?)|\.\.\.)\s*({_NUMBER}))?)(?=[\s<>`%])")
_PACKET = re.compile(
    r"""([<>])\s*(?:\[(?P<ecn>[\w, ]+)\]\s*)?(?P<flags>[SFRPUEWA.\d]+|-)\s+
    (?P<seq>\d+):(?P<end>\d+)\((?P<size>\d+)\)\s*
    (?:ack\s+(?P<ack>\d+)\s*)?(?:win\s+(?P<window>\d+)\s*)?(?:urg\s+(?P<urgent>\d+)\s*)?
    (?:<(?P<options>[^>]*)>\s*)?$""",
    re.VERBOSE,
)
_CALL = re.compile(
    r"(\w+)\s*\((.*)\)\s*=\s*(-?(?:0x[0-9a-fA-F]+|\d+)|\.\.\.)\s*([A-Z]\w+)?\s*(?:\([^()]*\))?\s*$", re.S
)
_TOKEN = re.compile(r'\s*(\.\.\.|-?0x[0-9a-fA-F]+|-?\d+|"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*|[\[\]{}(),=|:<>])')
_DIRECTIVE = re.compile(r"#\s*(ifdef|ifndef|else|endif)\b\s*(\w*)")
_SKIPPED = re.compile(r'%\{.*?\}%|`[^`]*`|/\*.*?\*/|//[^\n]*|^[ \t]*#[^\n]*|"(?:[^"\\\n]|\\.)*"', re.S | re.M)


class UnsupportedError(UsageError):
    """The script needs a feature that the simulated machine does not have."""


def parse(text: str, defines: frozenset[str] = frozenset()) -> Script:
    """Read a whole script; ``defines`` are the names for which ``#ifdef`` holds.

    Raises:
        UnsupportedError: it has packets of other protocols.
        UsageError: a line has a syntax error; the message has the line and its number.
    """
    options: dict[str, str] = {}
    events = []
    for line, when, body in _statements(_without_comments(_preprocessed(text, defines))):
        if body.startswith("--"):
            name, _, value = body[2:].partition("=")
            options[name.strip()] = value.strip()
        else:
            events.append(Event(line, when, _action(line, body)))
    return Script(tuple(events), options)


def _preprocessed(text: str, defines: frozenset[str]) -> str:
    """Return the text without the lines that ``#ifdef`` excludes; line numbers stay the same."""
    kept, open_blocks = [], [True]
    for line in text.split("\n"):
        match = _DIRECTIVE.match(line)
        if match is None:
            kept.append(line if all(open_blocks) else "")
            continue
        kept.append("")
        if match[1] in ("ifdef", "ifndef"):
            open_blocks.append((match[2] in defines) is (match[1] == "ifdef"))
        elif len(open_blocks) == 1:
            raise UsageError(f"line {len(kept)}: #{match[1]} without #ifdef")
        elif match[1] == "else":
            open_blocks[-1] = not open_blocks[-1]
        else:
            open_blocks.pop()
    return "\n".join(kept)


def _without_comments(text: str) -> str:
    """Remove comments, but not from code, commands and strings; line numbers stay the same."""

    def blank(match: re.Match[str]) -> str:
        return match[0] if match[0][0] in '%`"' else "\n" * match[0].count("\n")

    return _SKIPPED.sub(blank, text)


def _statements(text: str) -> Iterator[tuple[int, When, str]]:
    """Yield (line, when, body) of each statement; it ends where brackets, backquotes and braces are closed."""
    position, lines = 0, text.split("\n")
    while position < len(lines):
        start, statement = position, lines[position]
        position += 1
        while position < len(lines) and _open(statement):
            statement += "\n" + lines[position]
            position += 1
        while position < len(lines) and statement.strip() and _continues(statement, lines[position]):
            statement += "\n" + lines[position]
            position += 1
        if statement.strip():
            yield start + 1, *_split(statement)


def _open(statement: str) -> bool:
    if "%{" in statement:
        return "}%" not in statement
    if "`" in statement:
        return statement.count("`") % 2 == 1
    return statement.count("(") > statement.count(")")


def _continues(statement: str, line: str) -> bool:
    """True if ``line`` continues the statement: it has the options of a packet, or the result of a call."""
    if "%{" in statement or "`" in statement or statement.strip().startswith("--"):
        return False
    return line.strip()[:1] in ("<", "=") and not _WHEN.match(line)


def _split(statement: str) -> tuple[When, str]:
    match = _WHEN.match(statement)
    if match is None:
        return When(Time.RELATIVE), statement.strip()
    body = statement[match.end() :].strip()
    if match[1] == "*":
        return When(Time.ANY), body
    kind = Time.RELATIVE if match[2] else Time.ABSOLUTE
    return When(kind, float(match[3]), float(match[5]) if match[5] else None), body


def _action(line: int, body: str) -> Action:
    if body.startswith("`"):
        return Shell(body.strip("`").strip())
    if body.startswith("%{") and "}%" in body:
        return Code(body[2 : body.rindex("}%")].strip("\n"))
    if body[:1] in ("<", ">"):
        return _packet(line, " ".join(body.split()))
    match = _CALL.match(body)
    if match is None:
        raise UsageError(f"line {line}: neither packet nor call: {body[:60]!r}")
    result = None if match[3] == "..." else int(match[3], 0)
    return Call(match[1], tuple(_arguments(line, match[2])), result, match[4] or "")


def _packet(line: int, body: str) -> Packet:
    match = _PACKET.match(body)
    if match is None:
        kind = re.match(r"[<>]\s*(?:\[\w+\]\s*)?(icmp|udp|psp|mpls|gre|\[)", body)
        raise UnsupportedError(f"{kind[1] if kind else 'syntax'}: line {line} is not a TCP segment: {body[:60]!r}")

    def number(name: str) -> int | None:
        return int(match[name]) if match[name] is not None else None

    text = match["options"]
    options = None if text is not None and text.strip() == "..." else tuple(_options(text or ""))
    return Packet(
        inbound=match[1] == "<",
        flags=match["flags"],
        seq=int(match["seq"]),
        end=int(match["end"]),
        size=int(match["size"]),
        ack=number("ack"),
        window=number("window"),
        urgent=number("urgent"),
        options=options,
        ecn=(match["ecn"] or "").strip(),
    )


def _options(text: str) -> Iterator[Option]:
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, rest = piece.partition(" ")
        numbers = tuple(int(number) for number in re.findall(r"(?<![\w])\d+(?![\w])", rest))
        yield Option(name, numbers, rest.strip())


def _arguments(line: int, text: str) -> list[Argument]:
    """A call's arguments: numbers, strings, symbols, ``...``, ``[list]``, ``{name = value}``."""
    tokens, position = [], 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            raise UsageError(f"line {line}: argument not understood at {text[position : position + 30]!r}")
        tokens.append(match[1])
        position = match.end()
    reader = _Reader(line, tokens)
    return reader.sequence("")


class _Reader:
    """Recursive descent over a call's tokens."""

    def __init__(self, line: int, tokens: list[str]) -> None:
        self._line, self._tokens, self._at = line, tokens, 0

    def _next(self) -> str:
        if self._at == len(self._tokens):
            raise UsageError(f"line {self._line}: arguments end too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def sequence(self, close: str) -> list[Argument]:
        """Values up to ``close``, which is taken."""
        values: list[Argument] = []
        while self._peek() != close:
            values.append(self._value())
            if self._peek() == ",":
                self._next()
        if close:
            self._next()
        return values

    def _value(self) -> Argument:
        token = self._next()
        if token == "...":
            return ...
        if token == "[":
            return self.sequence("]")
        if token == "{":
            return self._structure()
        if token.startswith('"'):
            return token[1:-1]
        if token.lstrip("-")[:1].isdigit() and self._peek() != "|":
            return int(token, 0)
        return self._names(token)

    def _names(self, token: str) -> Argument:
        """``A|B``, ``f(x)``; ``name(n)=value``, as in ``msg_iov(2)=[…]``, gives the value's mapping."""
        text = token
        while self._peek() in ("|", "("):
            if self._next() == "|":
                text += "|" + self._next()
            else:
                inside = self.sequence(")")
                text += "(" + ",".join(_spelled(value) for value in inside) + ")"
        return Names(text)

    def _structure(self) -> Argument:
        fields: dict[str, Argument] = {}
        bare: list[Argument] = []
        while self._peek() != "}":
            key = self._value()
            if self._peek() in ("=", ":"):
                self._next()
                fields[_spelled(key)] = self._value()
            else:
                bare.append(key)
            if self._peek() == ",":
                self._next()
        self._next()
        return fields if fields else bare


def _spelled(value: Argument) -> str:
    if isinstance(value, Names):
        return value.text
    return "..." if value is ... else str(value)
