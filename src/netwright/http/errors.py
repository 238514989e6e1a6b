"""The exception with which a handler answers a status; its text is sent to the peer."""

from collections.abc import Iterable

from netwright.core.errors import NetwrightError, UsageError
from netwright.proto.fields import check_pair

__all__ = ["StatusError"]


class StatusError(NetwrightError):
    """The request ends with ``status``: ``raise StatusError(404, "no item 7")``; ``fields`` go into the answer."""

    culprit = "request"

    def __init__(
        self,
        status: int,
        message: str,
        *,
        fields: Iterable[tuple[str, str]] = (),
        reference: str = "",
        advice: str = "",
    ) -> None:
        if not 400 <= status <= 599:
            raise UsageError(f"error status {status}, 400 to 599 allowed", reference="RFC 9110 §15")
        super().__init__(message, reference=reference, advice=advice)
        self.status, self.fields = status, tuple((check_pair(name, value), value) for name, value in fields)
