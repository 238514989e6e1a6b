"""The seam between the verbs and the operating system: what an engine offers, and the handles that it works on."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol

from netwright.core.address import Address
from netwright.core.record import ConnectionRecord, Recorder
from netwright.core.tuning import Tuning

if TYPE_CHECKING:
    from netwright.core.limits import Limits
    from netwright.proto.channel import Wrap
    from netwright.proto.stream import Stream

__all__ = ["Engine", "Handle", "ListeningHandle"]


class Handle(ABC):
    """A connection that no stream owns yet.

    Attributes:
        peer: the other side's address.
        refused: names of the options of the Tuning that the system refused.
    """

    __slots__ = ()
    peer: Address
    refused: tuple[str, ...]

    @property
    @abstractmethod
    def local(self) -> Address:
        """This side's address.

        Raises:
            OSError: the connection is gone, and its name with it.
        """

    @property
    @abstractmethod
    def descriptor(self) -> int | None:
        """The operating system's number for it; None once closed, and where it has none."""

    @abstractmethod
    def close(self, *, reset: bool = False) -> None:
        """Send FIN, or RST with ``reset``.  Idempotent; does nothing once a stream owns the connection."""


class ListeningHandle(ABC):
    """A queue of connections at one address.

    Attributes:
        address: where it listens, with the real port.
        refused: names of the options of the Tuning that the system refused.
    """

    address: Address
    refused: tuple[str, ...] = ()

    @property
    @abstractmethod
    def descriptor(self) -> int | None:
        """The operating system's number for it; None once closed, and where it has none."""

    @abstractmethod
    def take(self) -> Handle | None:
        """The next connection of the queue; None if the queue is empty.

        Raises:
            OSError: what accept(2) reports.
        """

    @abstractmethod
    def close(self) -> None:
        """Listen no more.  Idempotent."""


class Engine(Protocol):
    """One per loop, on which it waits; addresses are IP addresses or Unix paths, not names."""

    name: str

    def now(self) -> float:
        """Seconds on the clock of every deadline and record."""

    def listen(self, address: Address, tuning: Tuning) -> ListeningHandle:
        """Listen on ``address``; port 0 is a free one.

        Raises:
            OSError: the system refused; nothing is left open.
        """

    async def arrival(self, listening: ListeningHandle) -> None:
        """Wait until ``listening.take`` may have a connection.  Cancelling loses none."""

    async def connect(self, address: Address, tuning: Tuning, local: Address | None) -> Handle:
        """Connect to ``address``, from ``local`` unless it is None.  Cancelling leaves nothing open.

        Raises:
            OSError: nobody answered, or the system refused; nothing is left open.
        """

    async def open(
        self,
        handle: Handle,
        record: ConnectionRecord,
        recorder: Recorder,
        limits: "Limits",
        wrap: "Wrap | None" = None,
    ) -> "Stream":
        """A stream on ``handle``, which it owns from now on; ``wrap`` puts a channel around the connection's own.

        If this raises or is cancelled, the connection is closed and the record has ended.

        Raises:
            OSError: the system has no room for it.
        """
