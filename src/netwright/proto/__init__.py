"""Protocol machines: bytes and ``now`` in; events, bytes and a deadline out."""
