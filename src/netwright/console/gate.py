"""Decide who may open the console.

Every request carries the token: in the query once (the URL that ``netwright serve`` prints), then in a cookie, or in an
Authorization field.  Loopback is not an exception: every user of the machine can connect to 127.0.0.1.

A console on loopback also checks the host name: a page of another site that points its own name at 127.0.0.1 (DNS
rebinding) is refused.  A reverse proxy's name is let in by the allow-list.
"""

from collections.abc import Collection
from dataclasses import dataclass
from hmac import compare_digest
from urllib.parse import parse_qsl, urlencode, urlsplit

from netwright.core.address import InetAddress, parse_address
from netwright.core.errors import UsageError

__all__ = ["Asked", "Gate", "Refusal", "cookie_name"]

_COOKIE = "netwright-console"


@dataclass(frozen=True, slots=True)
class Asked:
    """The fields of a request that the gate checks, as received.

    ``host`` is the Host field or the authority of an absolute target, ``query`` the part after ``?``.
    """

    host: str
    query: str = ""
    cookies: str = ""
    authorization: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Status and reason of the answer to a refused request."""

    status: int
    message: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """The access rule of one console.

    Args:
        token: the secret; "" lets in whoever has an allowed host name.
        hosts: host names to let in beside the loopback names; of a console that others can reach, () lets in all.
        local: the console listens on loopback.
        token_file: where the user finds the token, for the refusal.
    """

    token: str = ""
    hosts: Collection[str] = ()
    local: bool = True
    token_file: str = ""

    def check(self, asked: Asked) -> Refusal | None:
        """Return None to let the request in."""
        if (self.local or self.hosts) and not self._allows(asked.host):
            said = f"host {asked.host[:100]!r}; allowed: {', '.join(('loopback names', *self.hosts))}"
            return Refusal(403, said, "behind a reverse proxy: netwright serve --console-host NAME")
        offered = self._offered(asked)
        if not self.token or (offered and compare_digest(offered.encode(), self.token.encode())):
            return None
        where = f", or read the token from {self.token_file}" if self.token_file else ""
        said = "wrong token" if offered else "no token"
        advice = f"open the URL that netwright serve printed{where}; curl -H 'Authorization: Bearer TOKEN'"
        return Refusal(401, said, advice)

    def _allows(self, authority: str) -> bool:
        try:
            address = parse_address(authority, default_host="", default_port=80)
        except UsageError:
            return False
        if not isinstance(address, InetAddress):
            return False
        return address.is_loopback or address.host.lower().removesuffix(".") in self.hosts

    def _offered(self, asked: Asked) -> str:
        """Return the token of the query, else of Authorization (RFC 6750 §2.1), else of the cookie (RFC 6265 §5.4)."""
        values = dict(parse_qsl(asked.query))
        if "token" in values:
            return values["token"]
        scheme, _, credentials = asked.authorization.partition(" ")
        if scheme.lower() == "bearer":
            return credentials.strip()
        name = cookie_name(asked.host)
        pairs = (pair.strip().partition("=") for pair in asked.cookies.split(";"))
        return next((value for found, _, value in pairs if found == name), "")

    def redirect(self, asked: Asked) -> tuple[str, str] | None:
        """Return Location and Set-Cookie, which move the token from the URL to a cookie; None if the URL has none."""
        pairs = parse_qsl(asked.query)
        if not self.token or "token" not in dict(pairs):
            return None
        rest = urlencode([(name, value) for name, value in pairs if name != "token"])
        cookie = f"{cookie_name(asked.host)}={self.token}; Path=/; HttpOnly; SameSite=Strict"
        return f"./?{rest}" if rest else "./", cookie


def cookie_name(authority: str) -> str:
    """The cookie of the console at ``authority``: browsers send a host's cookies to all its ports (RFC 6265 §8.5)."""
    port = urlsplit(f"//{authority}").netloc.rpartition(":")[2]
    return f"{_COOKIE}-{port}" if port.isdecimal() else _COOKIE
