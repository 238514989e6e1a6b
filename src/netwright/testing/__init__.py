"""Tools for testing programs that use netwright, and netwright itself."""
