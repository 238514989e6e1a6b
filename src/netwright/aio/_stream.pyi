from netwright.aio import stream
from netwright.aio._native import Poller
from netwright.aio.limits import Limits
from netwright.core.record import ConnectionRecord, Recorder

class Stream(stream.Stream):
    def __init__(
        self, poller: Poller, fd: int, record: ConnectionRecord, recorder: Recorder, limits: Limits, *, made: str = ""
    ) -> None: ...
    def fileno(self) -> int: ...
