"""A message's length, and whether its connection persists, from its fields (RFC 9112 §6, §9).

Every doubt about the length is refused: two readers that end one message at two places is how requests are smuggled
(RFC 9112 §11.2).
"""

import re
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple

from netwright.proto.fields import TCHAR, Fields
from netwright.proto.http1.scan import Found
from netwright.proto.http1.status import HttpError, has_content

__all__ = [
    "PLAIN_LINE",
    "RequestFraming",
    "RequestLine",
    "frame_request",
    "frame_response",
    "parse_request_line",
    "parse_status_line",
]

_REQUEST_LINE = re.compile(rb"(%b++) ([\x21-\x7e]++) (HTTP/[0-9]\.[0-9])" % TCHAR)
# The usual line, with nothing left to check: origin-form, HTTP/1.1.
PLAIN_LINE = re.compile(rb"(%b++) (/[\x21\x24-\x3b\x3d\x3f-\x7e]*+) HTTP/1\.1" % TCHAR)
_STATUS_LINE = re.compile(rb"(HTTP/[0-9]\.[0-9]) ([1-5][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
_NEVER_IN_TARGET = re.compile(rb'["<>#]')
_ABSOLUTE = re.compile(r"(https?)://([^/?]*+)(?:[/?].*+)?", re.IGNORECASE)
# uri-host [":" port] of RFC 9110 §7.2: reg-name or IPv4address, or IPv6address in brackets (RFC 3986 §3.2.2)
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|((?:[-A-Za-z0-9._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*))(?::([0-9]{0,5}))?")
_MAX_PORT = 65535
_MAX_DIGITS = 18  # of a length: more does not fit 63 bits


class RequestLine(NamedTuple):
    """See ``Request`` for the meaning of each; ``authority`` is "" but of a target in absolute-form."""

    method: str
    target: str
    version: str
    authority: str = ""
    scheme: str = ""


class RequestFraming(NamedTuple):
    """See ``Request`` for the meaning of each; ``upgrade`` and ``authority``, that is Host, are in lower case."""

    length: int | None
    keep_alive: bool
    expects_continue: bool
    upgrade: str
    authority: str


def parse_request_line(line: bytes) -> RequestLine:
    """Read method, target and version (RFC 9112 §3).

    Raises:
        HttpError: it is no request line; 501 for CONNECT, 505 for another major version.
    """
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise HttpError(_fault_of_request_line(line), reference="RFC 9112 §3", advice="METHOD SP target SP HTTP/1.1")
    method, target, version = match.groups()
    if not version.startswith(b"HTTP/1."):
        raise HttpError(f"version {version.decode()}, HTTP/1.1 allowed", status=505, reference="RFC 9110 §15.6.6")
    authority = scheme = ""
    if not target.startswith(b"/") or _NEVER_IN_TARGET.search(target):
        authority, scheme = _check_target(method, target)
    return RequestLine(method.decode(), target.decode(), _read_as(version), authority, scheme)


def _read_as(version: bytes) -> str:
    """Return "1.0" or "1.1": a minor version above the highest known is read as that (RFC 9110 §6.2)."""
    return "1.0" if version == b"HTTP/1.0" else "1.1"


def _check_target(method: bytes, target: bytes) -> tuple[str, str]:
    """Return the authority and scheme of a target in absolute-form, "" of another."""
    shown = target.decode() if len(target) <= 60 else f"{target[:60].decode()}..."
    if method == b"CONNECT":
        raise HttpError("CONNECT asks for a tunnel; this is no proxy", status=501, reference="RFC 9110 §9.3.6")
    if bad := _NEVER_IN_TARGET.search(target):
        raise HttpError(f"{bad[0].decode()} in the target {shown}", reference="RFC 3986 §2", advice="percent-encode it")
    if (target == b"*" and method == b"OPTIONS") or target.startswith(b"/"):
        return "", ""
    match = _ABSOLUTE.fullmatch(target.decode())
    if match is None:
        raise HttpError(f"target is neither a path nor a URL: {shown}", reference="RFC 9112 §3.2")
    scheme, authority = match[1].lower(), match[2].lower()
    if not _is_authority(authority) or authority.startswith(":") or not authority:
        raise HttpError(f"target has no valid host[:port]: {shown}", reference="RFC 9110 §4.2.1, §4.2.4")
    return authority, scheme


def _is_authority(text: str) -> bool:
    """Return True for host[:port] without userinfo; the host may be empty."""
    match = _HOST.fullmatch(text)
    if match is None or int(match[3] or "0") > _MAX_PORT:
        return False
    if match[1] is not None:
        try:
            IPv6Address(match[1])
        except AddressValueError:
            return False
    return True


def _fault_of_request_line(line: bytes) -> str:
    shown = repr(line if len(line) <= 60 else line[:60] + b"...")
    if not line:
        return "empty line where the request line belongs"
    if any(byte < 0x20 or byte > 0x7E for byte in line):
        return f"byte outside of visible ASCII in the request line {shown}"
    if (spaces := line.count(b" ")) != 2:
        return f"{spaces} space{'' if spaces == 1 else 's'} in the request line {shown}, 2 allowed"
    return f"not a request line: {shown}"


def parse_status_line(line: bytes) -> tuple[str, int, str]:
    """Version, status and reason (RFC 9112 §4).

    Raises:
        HttpError: it is none.
    """
    match = _STATUS_LINE.fullmatch(line)
    if match is None or not match[1].startswith(b"HTTP/1."):
        raise HttpError(f"not a status line of HTTP/1.1: {line[:60]!r}", reference="RFC 9112 §4")
    return _read_as(match[1]), int(match[2]), (match[3] or b"").decode("latin-1")


def frame_request(found: Found, version: str) -> RequestFraming:
    """Where a request ends and what becomes of its connection.

    Raises:
        HttpError: Host, Content-Length, Transfer-Encoding or Expect leave a doubt.
    """
    hosts, lengths, codings, connection, expectations, upgrades = found
    _check_host(hosts, version)
    length = _length(lengths, codings, version) if lengths or codings else 0
    waits = _check_expect(expectations) and version == "1.1"  # RFC 9110 §10.1.1: 1.0 cannot wait for it
    options = [option.strip(" \t") for option in ",".join(connection).split(",")] if connection else []
    upgrade = ", ".join(upgrades) if upgrades and "upgrade" in options and version == "1.1" else ""
    return RequestFraming(length, _lives_on(options, version), waits, upgrade, hosts[0] if hosts else "")


def frame_response(fields: Fields, version: str, status: int, method: str) -> tuple[int | None, bool, bool]:
    """Return length (None: chunked or until the end), chunked, keep-alive of a response to ``method`` (RFC 9112 §6.3).

    Raises:
        HttpError: Content-Length or Transfer-Encoding leave a doubt.
    """
    lengths, codings = fields.get_all("content-length"), fields.get_all("transfer-encoding")
    lives_on = _lives_on(fields.tokens("connection"), version)
    if not has_content(status) or method == "HEAD" or (method == "CONNECT" and status < 300):
        return 0, False, lives_on
    length = _length(lengths, codings, version)
    if codings:
        return None, True, lives_on
    return length, False, lives_on and length is not None


def _check_host(hosts: list[str], version: str) -> None:
    """Exactly one in HTTP/1.1, and one that is a host (RFC 9112 §3.2)."""
    if len(hosts) != 1 and (hosts or version == "1.1"):
        raise HttpError(f"{len(hosts)} Host fields, 1 allowed", reference="RFC 9112 §3.2")
    if hosts and hosts[0] and not _is_authority(hosts[0]):
        raise HttpError(f"Host is no host[:port]: {hosts[0][:60]!r}", reference="RFC 9110 §7.2")


def _length(lengths: list[str], codings: list[str], version: str) -> int | None:
    """Content-Length; None without one.  Transfer-Encoding is chunked once, or refused (RFC 9112 §6.1, §6.3)."""
    if codings:
        _check_codings(codings, version)
        if lengths:
            raise HttpError("Content-Length beside Transfer-Encoding, one of them allowed", reference="RFC 9112 §6.1")
        return None
    if not lengths:
        return None
    if len(lengths) > 1:
        raise HttpError(f"{len(lengths)} Content-Length fields, 1 allowed", reference="RFC 9112 §6.3")
    value = lengths[0]
    if not (value.isascii() and value.isdigit()):
        raise HttpError(f"Content-Length is not digits: {value[:40]!r}", reference="RFC 9110 §8.6")
    if len(value) > _MAX_DIGITS:
        raise HttpError(f"Content-Length of {len(value)} digits, {_MAX_DIGITS} allowed", reference="RFC 9110 §8.6")
    return int(value)


def _check_codings(codings: list[str], version: str) -> None:
    if version != "1.1":
        raise HttpError("Transfer-Encoding in HTTP/1.0", reference="RFC 9112 §6.1")
    if len(codings) == 1 and codings[0].lower() == "chunked":
        return
    shown = ", ".join(codings)[:60]
    members = [member.strip(" \t").lower() for member in ",".join(codings).split(",")]
    ends_well = members.count("chunked") == 1 and members[-1] == "chunked" and all(members)
    raise HttpError(
        f"Transfer-Encoding {shown!r}, chunked allowed", status=501 if ends_well else 400, reference="RFC 9112 §6.1"
    )


def _check_expect(values: list[str]) -> bool:
    for value in values:
        if value.lower() != "100-continue":
            raise HttpError(f"Expect {value[:40]!r}, 100-continue allowed", status=417, reference="RFC 9110 §10.1.1")
    return bool(values)


def _lives_on(options: list[str], version: str) -> bool:
    """RFC 9112 §9.3: persistent unless told otherwise in 1.1, only if told so in 1.0."""
    return "close" not in options and (version == "1.1" or "keep-alive" in options)
