"""HTTP serving: ``App`` with routes, on ``run.Service``."""

from netwright.http.app import App
from netwright.http.errors import StatusError
from netwright.http.request import Query, Request
from netwright.http.response import Answer, Response, Switch
from netwright.proto.fields import Fields
from netwright.proto.http1 import HttpLimits

__all__ = ["Answer", "App", "Fields", "HttpLimits", "Query", "Request", "Response", "StatusError", "Switch"]
