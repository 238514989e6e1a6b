"""Error responses: the value seen, the value allowed, the rule; as text or JSON (RFC 9457), by Accept."""

from netwright.core.errors import NetwrightError
from netwright.http.errors import StatusError
from netwright.http.response import Response
from netwright.proto.http1 import HttpError, reason, status_for

__all__ = ["error_response", "prefers_json", "status_of"]


def status_of(error: Exception) -> int:
    """The status of an answer to ``error``: a fault of the program is 500."""
    if isinstance(error, StatusError | HttpError):
        return error.status
    return status_for(error) if isinstance(error, NetwrightError) else 500


def error_response(error: Exception, *, status: int = 0, accept: str = "", close: bool = False) -> Response:
    """The response to a failed request; the text of an error in the program (500) is not sent to the peer."""
    status = status or status_of(error)
    detail = (
        str(error) if isinstance(error, NetwrightError) and status != 500 else "the handler failed; its log says why"
    )
    fields = error.fields if isinstance(error, StatusError) else ()
    title = reason(status)
    if prefers_json(accept):
        problem = Response.json({"title": title, "status": status, "detail": detail}, status, fields)
        return Response(problem.body, status, fields, content_type="application/problem+json", close=close)
    return Response(f"{status} {title}\n{detail}\n", status, fields, close=close)


def prefers_json(accept: str) -> bool:
    """True if JSON is named in Accept, before any text (RFC 9110 §12.5.1; weights are not compared)."""
    for member in accept.lower().split(","):
        name = member.partition(";")[0].strip()
        if name in ("application/json", "application/problem+json"):
            return True
        if name.startswith("text/"):
            return False
    return False
