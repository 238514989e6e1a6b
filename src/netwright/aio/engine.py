"""What a stream engine offers: the seam between the verbs and the operating system."""

import socket
from typing import TYPE_CHECKING, Any, Protocol

from netwright.core.record import ConnectionRecord

if TYPE_CHECKING:
    from netwright.core.address import Address
    from netwright.core.limits import Limits
    from netwright.core.record import Recorder
    from netwright.core.tuning import Tuning
    from netwright.proto.stream import Stream

__all__ = ["Engine"]


class Engine(Protocol):
    """One per loop; everything that waits does so on that loop."""

    name: str

    def now(self) -> float:
        """Seconds on the clock of every deadline and record."""

    def new_socket(self, family: int, sockaddr: Any) -> socket.socket:
        """A non-blocking stream socket that can ``connect`` to ``sockaddr``."""

    def listening_socket(
        self, family: int, sockaddr: Any, address: "Address", tuning: "Tuning"
    ) -> tuple[socket.socket, list[str]]:
        """A socket that ``accept`` takes, and the options of ``tuning`` that were refused.

        Raises:
            BindError: ``address`` cannot be listened on.
        """

    async def connect(self, sock: socket.socket, sockaddr: Any) -> None:
        """Connect a non-blocking socket; cancelling leaves the socket to its owner."""

    async def accept(self, sock: socket.socket) -> tuple[socket.socket, Any]:
        """The next connection, non-blocking, and its peer's name; cancelling loses no connection."""

    async def open(
        self, sock: socket.socket, record: ConnectionRecord, recorder: "Recorder", limits: "Limits"
    ) -> "Stream":
        """A stream on a connected socket, which it owns from now on, also if this raises or is cancelled."""
