"""Status codes (RFC 9110 §15): their phrases, and the one that answers an error."""

from netwright.core.errors import DeadlineError, LimitError, NetwrightError, ProtocolError

__all__ = ["REASONS", "HttpError", "SlowPeerError", "has_content", "may_send_content", "reason", "status_for"]

REASONS = {
    100: "Continue",
    101: "Switching Protocols",
    103: "Early Hints",
    200: "OK",
    201: "Created",
    202: "Accepted",
    203: "Non-Authoritative Information",
    204: "No Content",
    205: "Reset Content",
    206: "Partial Content",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Found",
    303: "See Other",
    304: "Not Modified",
    307: "Temporary Redirect",
    308: "Permanent Redirect",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    411: "Length Required",
    412: "Precondition Failed",
    413: "Content Too Large",
    414: "URI Too Long",
    415: "Unsupported Media Type",
    416: "Range Not Satisfiable",
    417: "Expectation Failed",
    421: "Misdirected Request",
    422: "Unprocessable Content",
    425: "Too Early",  # RFC 8470 §5.2
    426: "Upgrade Required",
    428: "Precondition Required",  # RFC 6585 §3
    429: "Too Many Requests",  # RFC 6585 §4
    431: "Request Header Fields Too Large",  # RFC 6585 §5
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
    511: "Network Authentication Required",  # RFC 6585 §6
}

_LIMIT_STATUS = {"request_line": 414, "field_line": 431, "fields": 431, "head": 431, "body": 413}


class HttpError(ProtocolError):
    """The peer broke a rule of HTTP; ``status`` is what a server answers."""

    def __init__(self, message: str, *, status: int = 400, reference: str = "", advice: str = "") -> None:
        super().__init__(message, reference=reference, advice=advice)
        self.status = status


class SlowPeerError(DeadlineError):
    """The peer began a message and did not complete it in time; ``setting`` is the limit that it passed."""

    def __init__(self, stage: str, waited: float, allowed: float, setting: str) -> None:
        super().__init__(stage, waited)
        self.message = f"{stage}: not complete after {waited:.3g} s, {allowed:.3g} s allowed (HttpLimits.{setting})"
        self.setting = setting


def status_for(error: NetwrightError) -> int:
    """Return the status code of the answer to a request that failed with ``error``."""
    match error:
        case HttpError():
            return error.status
        case LimitError():
            return _LIMIT_STATUS.get(error.name, 400)
        case DeadlineError():
            return 408
        case ProtocolError():
            return 400
        case _:
            return 500


def reason(status: int) -> str:
    """The phrase of the status line; it may be empty (RFC 9112 §4)."""
    return REASONS.get(status, "")


def has_content(status: int) -> bool:
    """Return False for the statuses whose response never has content (RFC 9110 §6.4.1)."""
    return status >= 200 and status not in (204, 304)


def may_send_content(status: int) -> bool:
    """Return False for the statuses with which content is never sent: 205 beside them (RFC 9110 §15.3.6)."""
    return has_content(status) and status != 205
