"""A TCP endpoint as a sans-I/O machine (RFC 9293): ``endpoint.Endpoint`` and ``listener.Listener``."""
