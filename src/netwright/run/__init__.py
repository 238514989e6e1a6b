"""Serving programs: listeners and handlers, start, drain, signals."""
