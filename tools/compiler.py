"""Whether this Python can compile extensions, and what it needs for that.  Standard library only."""

import shutil
import sysconfig

CYTHON, MYPY = "Cython>=3.1", "mypy>=1.18"  # mypy brings mypyc


def has_compiler() -> bool:
    """Return False if the compiler that Python was built with is absent: then no kernel is tried."""
    words = (sysconfig.get_config_var("CC") or "").split()
    return not words or shutil.which(words[0]) is not None
