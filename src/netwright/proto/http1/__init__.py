"""HTTP/1.1 (RFC 9110, RFC 9112) as machines without I/O, strict by default."""

from netwright.proto.http1.client import ClientMachine
from netwright.proto.http1.events import END, Data, End, Event, Interim, Refused, Request, Response
from netwright.proto.http1.fields import NO_FIELDS, Fields, format_fields
from netwright.proto.http1.limits import HttpLimits
from netwright.proto.http1.machine import Machine, Reading, Writing
from netwright.proto.http1.server import ServerMachine
from netwright.proto.http1.status import HttpError, reason, status_for

__all__ = [
    "END",
    "NO_FIELDS",
    "ClientMachine",
    "Data",
    "End",
    "Event",
    "Fields",
    "HttpError",
    "HttpLimits",
    "Interim",
    "Machine",
    "Reading",
    "Refused",
    "Request",
    "Response",
    "ServerMachine",
    "Writing",
    "format_fields",
    "reason",
    "status_for",
]
