"""Where a connection starts and ends: an IP address with a port, or a Unix socket.

Text form, which ``parse_address`` reads and ``str`` gives: ``127.0.0.1:8000``, ``[::1]:8000``, ``example.org:80``,
``*:8000`` (every local address), ``unix:/run/app.sock``, ``unix:@name`` (Linux's abstract namespace, unix(7)).
"""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import TypeAlias

from netwright.core.errors import UsageError

__all__ = ["Address", "InetAddress", "UnixAddress", "check_address", "from_sockname", "parse_address"]

MAX_UNIX_PATH = 107  # bytes of sun_path less the terminating NUL, unix(7)


@dataclass(frozen=True, slots=True)
class InetAddress:
    """``host`` is an IP address, a name that is not yet looked up, or "" for every local address, IPv4 and IPv6.

    A link-local IPv6 address names its interface: ``fe80::1%eth0`` (RFC 4007 §11).
    """

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host or '*'}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """True if only this machine can reach it (RFC 1122 §3.2.1.3, RFC 6761 §6.3)."""
        try:
            return ip_address(self.host.partition("%")[0]).is_loopback
        except ValueError:
            name = self.host.lower().removesuffix(".")  # RFC 3986 §3.2.2, RFC 1034 §3.1
            return name == "localhost" or name.endswith(".localhost")


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """``path`` is a file's path; with ``abstract`` a name outside the file system; "" is a socket without a name.

    It has ``host`` and ``port`` so that ``listener.address.port`` needs no cast; here both raise UsageError.
    """

    path: str
    abstract: bool = False

    def __str__(self) -> str:
        return f"unix:@{self.path}" if self.abstract else f"unix:{self.path}"

    @property
    def sockname(self) -> str:
        """Return the argument of ``bind`` and ``connect``."""
        return "\0" + self.path if self.abstract else self.path

    @property
    def is_loopback(self) -> bool:
        """True: a Unix socket never leaves the machine."""
        return True

    @property
    def host(self) -> str:
        """Raises UsageError."""
        raise UsageError(f"the Unix socket {self} has no host", advice="it has a path")

    @property
    def port(self) -> int:
        """Raises UsageError."""
        raise UsageError(f"the Unix socket {self} has no port", advice="it has a path")


Address: TypeAlias = InetAddress | UnixAddress


def parse_address(text: str, *, default_host: str = "127.0.0.1", default_port: int | None = None) -> Address:
    """Read an address's text form; a bare port or ``:port`` gets ``default_host``.

    Raises:
        UsageError: the text is none of the forms, or the port is not 0 to 65535.
    """
    if text.startswith("unix:"):
        return _parse_unix(text)
    _, slashes, rest = text.partition("://")
    if slashes:
        advice = f"write {rest.partition('/')[0]!r}, or give the URL to an HTTP client"
        raise UsageError(f"a URL, not an address: {text!r}", advice=advice)
    if text.isascii() and text.isdigit():
        return InetAddress(default_host, _parse_port(text, text))
    host, colon, port = _split_host(text)
    if not colon and default_port is None:
        raise UsageError(f"address without a port: {text!r}", advice="write host:port, [v6]:port or unix:path")
    if any(character.isspace() or character == "/" for character in host):
        raise UsageError(f"host with a space or a slash: {text!r}", advice="write host:port, [v6]:port or unix:path")
    number = _parse_port(port, text) if colon else default_port
    assert number is not None
    return InetAddress("" if host == "*" else host or default_host, number)


def _split_host(text: str) -> tuple[str, str, str]:
    """An IPv6 address with a port stands in brackets (RFC 3986 §3.2.2)."""
    if not text.startswith("["):
        host, colon, port = text.rpartition(":")
        if ":" in host:
            raise UsageError(f"IPv6 address without brackets: {text!r}", advice=f"write [{text}]:port")
        return (host, colon, port) if colon else (text, "", "")
    inside, closed, rest = text[1:].partition("]")
    if not closed or (rest and not rest.startswith(":")):
        raise UsageError(f"brackets of an IPv6 address not closed: {text!r}", advice="write [::1]:8000")
    try:
        IPv6Address(inside.partition("%")[0])
    except ValueError as error:
        raise UsageError(f"not an IPv6 address: {inside!r} in {text!r}", reference="RFC 4291 §2.2") from error
    return inside, rest[:1], rest[1:]


def _parse_port(text: str, whole: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 5 or int(text) > 65535:
        raise UsageError(f"port {text!r} in {whole!r}, 0 to 65535 allowed")
    return int(text)


def _parse_unix(text: str) -> UnixAddress:
    path = text.removeprefix("unix:")
    abstract = path.startswith("@")
    address = UnixAddress(path.removeprefix("@") if abstract else path, abstract)
    check_address(address)
    return address


def check_address(address: Address) -> None:
    """Refuse an address that no socket can be bound or connected to.

    Raises:
        UsageError: the port is not 0 to 65535 or no integer, or the path is empty, too long or has a NUL.
    """
    if isinstance(address, UnixAddress):
        size = len(address.path.encode(errors="surrogateescape"))
        if not 0 < size <= MAX_UNIX_PATH:
            raise UsageError(f"Unix socket path of {size} bytes: {address}, 1 to {MAX_UNIX_PATH} allowed")
        if "\0" in address.path:
            raise UsageError(f"Unix socket path with a NUL: {address.path!r}")
        return
    if type(address.host) is not str:
        raise UsageError(f"host {address.host!r} is of type {type(address.host).__name__}, str allowed")
    if type(address.port) is not int:
        raise UsageError(f"port {address.port!r} is of type {type(address.port).__name__}, int allowed")
    if not 0 <= address.port <= 65535:  # the resolver would wrap it
        raise UsageError(f"port {address.port} of {address}, 0 to 65535 allowed")


def from_sockname(name: object) -> Address:
    """Convert a result of ``getsockname`` or ``getpeername``; a scope is the interface's number (RFC 4007 §11).

    Raises:
        UsageError: the form is not one of AF_INET, AF_INET6, AF_UNIX.
    """
    if isinstance(name, tuple) and len(name) >= 2:
        host, port = name[:2]
        if isinstance(host, str) and isinstance(port, int):
            scope = name[3] if len(name) == 4 and "%" not in host else 0
            return InetAddress(f"{host}%{scope}" if scope else host, port)
    elif isinstance(name, bytes):
        return UnixAddress(name.removeprefix(b"\0").decode(errors="surrogateescape"), name.startswith(b"\0"))
    elif isinstance(name, str):
        return UnixAddress(name.removeprefix("\0"), name.startswith("\0"))
    raise UsageError(f"not a socket name: {name!r}")
