"""zstd for tests, from the standard library where it is there."""

import sys

__all__ = ["compress"]

if sys.version_info >= (3, 14):
    from compression.zstd import compress
else:
    from zstandard import compress
