from collections.abc import Coroutine
from typing import Any

from netwright.aio._native import Poller

class Accepting:
    def __init__(self, poller: Poller, fd: int) -> None: ...
    def accept(self) -> Coroutine[Any, Any, tuple[int, Any]]: ...
