"""Who may look: this machine's own pages, or whoever has the token.  No I/O.

On loopback the Host must be a loopback name: a page of another site that points its own name at 127.0.0.1 (DNS
rebinding) is refused.  On any other address a token is required, in the query once, then in a cookie.
"""

from dataclasses import dataclass
from hmac import compare_digest
from urllib.parse import parse_qsl, urlencode

from netwright.core.address import InetAddress, parse_address
from netwright.core.errors import UsageError

__all__ = ["COOKIE", "Gate", "Refusal"]

COOKIE = "netwright-console"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not, for the one who asks."""

    status: int
    message: str


@dataclass(frozen=True, slots=True)
class Gate:
    """``token`` "" asks for a loopback Host instead."""

    token: str = ""

    def check(self, host: str, cookies: str, query: str) -> Refusal | None:
        """None lets the request in; ``cookies`` is the Cookie field (RFC 6265 §5.4), ``query`` the part after ``?``."""
        if not self.token:
            if _is_loopback(host):
                return None
            return Refusal(403, f"Host {host[:100]!r}, a loopback name allowed: the console is for this machine")
        offered = self._offered(cookies, query)
        if offered and compare_digest(offered.encode(), self.token.encode()):
            return None
        return Refusal(401, "the console wants its token: open the address that netwright serve printed")

    def _offered(self, cookies: str, query: str) -> str:
        values = dict(parse_qsl(query))
        if "token" in values:
            return values["token"]
        pairs = (pair.strip().partition("=") for pair in cookies.split(";"))
        return next((value for name, _, value in pairs if name == COOKIE), "")

    def redirect(self, path: str, query: str) -> tuple[str, str] | None:
        """Location and Set-Cookie that take the token out of the address bar; None if it is not there."""
        pairs = parse_qsl(query)
        if not self.token or "token" not in dict(pairs):
            return None
        rest = urlencode([(name, value) for name, value in pairs if name != "token"])
        location = f"{path}?{rest}" if rest else path
        return location, f"{COOKIE}={self.token}; Path=/; HttpOnly; SameSite=Strict"


def _is_loopback(host: str) -> bool:
    try:
        address = parse_address(host, default_host="", default_port=80)
    except UsageError:
        return False
    return isinstance(address, InetAddress) and address.is_loopback
