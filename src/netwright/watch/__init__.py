"""Captures and live connections judged: the wire engine, flows of TCP, verdicts."""
