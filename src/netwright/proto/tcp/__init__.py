"""A TCP endpoint as a sans-I/O machine (RFC 9293): ``endpoint.Endpoint`` and ``listener.Listener``."""

from netwright._native import prefer_compiled

prefer_compiled(__name__, __path__)
