"""Where in a program's own file an error came from.  No I/O but the file's lines."""

import traceback
from pathlib import Path

__all__ = ["place_of"]


def place_of(error: BaseException, path: Path) -> str:
    """The file's innermost line that was running, with its text; only the file where none of its lines was."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path}:{own[-1].lineno}\n{own[-1].line}" if own else str(path)
