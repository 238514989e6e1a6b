from netwright.aio import portable_stream
from netwright.aio._native import Poller
from netwright.core.limits import Limits
from netwright.core.record import ConnectionRecord, Recorder
from netwright.proto.channel import Channel

class Stream(portable_stream.Stream):
    def __init__(
        self,
        poller: Poller,
        fd: int,
        record: ConnectionRecord,
        recorder: Recorder,
        limits: Limits,
        *,
        made: str = "",
        channel: Channel | None = None,
    ) -> None: ...
