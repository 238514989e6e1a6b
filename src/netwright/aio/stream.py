"""Helpers that the streams of all engines share."""

import traceback

__all__ = ["ELSEWHERE", "creation_site"]

ELSEWHERE = "use it where it was opened; from a thread, with asyncio.run_coroutine_threadsafe"


def creation_site() -> str:
    """Return where the program made the stream; only used under ``-X dev``."""
    frames = [frame for frame in traceback.extract_stack() if "/netwright/aio/" not in frame.filename]
    return f"; made at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
