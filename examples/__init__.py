"""Programs built on netwright; each is run by tests/examples."""
