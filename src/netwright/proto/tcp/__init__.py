"""A TCP endpoint as a sans-I/O machine (RFC 9293): ``endpoint.Endpoint`` and ``listener.Listener``."""

import netwright._native  # noqa: F401  # NETWRIGHT_PURE=1 takes effect before the first module of this package
