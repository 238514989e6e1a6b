"""Bytes to values and back, a module each format.  No I/O."""
