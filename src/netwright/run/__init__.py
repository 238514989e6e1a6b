"""Programs that serve: listeners, their handlers, start, drain."""
