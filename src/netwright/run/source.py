"""The place in a program's own file from which an error came."""

import traceback
from pathlib import Path

__all__ = ["place_of"]


def place_of(error: BaseException, path: Path) -> str:
    """Return the innermost line of the file that was running, with its text; only the file if none was."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path}:{own[-1].lineno}\n{own[-1].line}" if own else str(path)
