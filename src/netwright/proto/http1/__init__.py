"""HTTP/1.1 (RFC 9110, RFC 9112) as machines without I/O, strict by default."""

from netwright.proto.fields import NO_FIELDS, Fields
from netwright.proto.http1.client import ClientMachine
from netwright.proto.http1.events import END, Data, End, Event, Interim, Refused, Request, Response
from netwright.proto.http1.fields import format_fields
from netwright.proto.http1.limits import HttpLimits
from netwright.proto.http1.machine import Machine
from netwright.proto.http1.server import ServerMachine
from netwright.proto.http1.state import Reading, Writing
from netwright.proto.http1.status import HttpError, SlowPeerError, may_send_content, reason, status_for

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
    "SlowPeerError",
    "Writing",
    "format_fields",
    "may_send_content",
    "reason",
    "status_for",
]
