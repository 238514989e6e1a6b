from collections.abc import Coroutine
from typing import Any

from netwright.aio._native import Poller

class Readable:
    def __init__(self, poller: Poller, fd: int) -> None: ...
    def wait(self) -> Coroutine[Any, Any, None]: ...
