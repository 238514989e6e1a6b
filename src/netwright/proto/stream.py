"""The stream of bytes between two programs: the verbs that every engine offers, whatever carries the bytes.

Verbs act when they are awaited, on the loop and in the thread that opened the stream.  Cancelling a read loses no
byte: bytes stay in the buffer until a verb takes a whole result.  Cancelling a send leaves the bytes of the call
either all queued in order, or none.  ``netwright.testing.streams`` checks all of this of any engine.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, ClassVar, NamedTuple, Protocol, Self, TypeAlias, TypeVar, overload

from netwright.core.address import Address
from netwright.core.errors import UsageError
from netwright.core.limits import Limits
from netwright.core.record import ConnectionRecord, Waiting
from netwright.proto.framing import Framing
from netwright.wire.tcp_info import TcpInfo

__all__ = ["FDS", "LINE", "READ", "Credentials", "Data", "Message", "Shell", "Stream", "Tap"]

M = TypeVar("M")
Data: TypeAlias = bytes | bytearray | memoryview
Tap: TypeAlias = Callable[[bool, bytes], None]
READ, LINE = 64 * 1024, 64 * 1024  # bytes of one read, of one line
FDS = 16  # descriptors of one receive


class Credentials(NamedTuple):
    """The process at the other end of a Unix socket, as it was when it connected (SO_PEERCRED, unix(7))."""

    pid: int
    uid: int
    gid: int


class Shell(Protocol):
    """The interface of the verbs that are the same on every engine; ``aio`` implements it."""

    async def adopt(self, carrier: object, writes: object | None, *, limits: Limits) -> "Stream":
        """See ``Stream.adopt``."""

    def get_option(self, stream: "Stream", level: int | str, name: int | str, size: int) -> int | bytes:
        """See ``Stream.get_option``."""

    def set_option(self, stream: "Stream", level: int | str, name: int | str, value: int | bytes) -> None:
        """See ``Stream.set_option``."""

    def peer_credentials(self, stream: "Stream") -> Credentials:
        """See ``Stream.peer_credentials``."""

    async def relay(self, left: "Stream", right: "Stream", tap: "Tap | None") -> tuple[int, int]:
        """See ``Stream.relay``."""

    def of(self, data: bytes) -> "Stream":
        """See ``Stream.of``."""


class Stream(ABC):
    """A connected stream; ``connect``, a Listener and ``adopt`` make them.

    Every verb that waits takes ``timeout`` (seconds from now) and ``deadline`` (on the engine's clock); the earlier
    one counts and raises DeadlineError, and the stream stays usable.  A timeout of 0 or less has expired already: the
    verb then succeeds only with what is already here.  ``stage`` names the wait in that error, ``waiting`` in the
    record.  One task reads at a time; sends queue behind one another, each whole.

    Attributes:
        limits: the bounds of this connection; assigning other ones takes effect with the next wait.
        timeout: of every operation that names none; None waits as long as ``limits`` allow.
        record: what happened so far.
        subject: names the current message in the record ("PUT key"), for a person to read.
    """

    if not TYPE_CHECKING:  # or the attributes below, which every engine stores its own way, could not be assigned
        __slots__ = ()
    shell: ClassVar[Shell | None] = None
    limits: Limits
    timeout: float | None
    record: ConnectionRecord
    subject: str

    @classmethod
    async def adopt(cls, carrier: object, writes: object | None = None, *, limits: Limits | None = None) -> "Stream":
        """Make a stream of a connected socket (TCP, Unix, socketpair) or of pipes; it owns them from then on.

        Args:
            carrier: a ``socket.socket``, or one end of a pipe: a descriptor, or a binary file such as ``Popen.stdout``.
            writes: the pipe that the stream sends into, if ``carrier`` is the one that it reads from.  A stream of a
                read end alone has ended its own direction; one of a write end alone reads EOF.
            limits: bounds of the connection; None sets none.

        Raises:
            UsageError: this is no connected socket of type SOCK_STREAM and no pipe; it stays the caller's.
        """
        return await _shell().adopt(carrier, writes, limits=limits or Limits(None, None, None, None))

    @classmethod
    def of(cls, data: bytes) -> "Stream":
        """Make a stream in memory whose peer has sent ``data`` and FIN, for tests of code that reads."""
        return _shell().of(data)

    def __repr__(self) -> str:
        record = self.record
        return f"<Stream {record.number} {record.peer} {record.outcome} in={record.bytes_in} out={record.bytes_out}>"

    @property
    def local(self) -> Address:
        """This side's address."""
        assert self.record.local is not None
        return self.record.local

    @property
    def peer(self) -> Address:
        """The other side's address."""
        assert self.record.peer is not None
        return self.record.peer

    @property
    @abstractmethod
    def at_eof(self) -> bool:
        """True if the peer's FIN came and everything before it was taken."""

    @property
    @abstractmethod
    def closed(self) -> bool:
        """True once this side has closed or aborted, or the connection is lost: no verb goes on."""

    @abstractmethod
    def tcp_info(self) -> TcpInfo | None:
        """Return what the kernel reports of the connection now, or at its end; None where there is no TCP kernel."""

    @abstractmethod
    def fileno(self) -> int:
        """Return the descriptor; -1 once closed, or where there is none."""

    # the socket below

    @overload
    def get_option(self, level: int | str, name: int | str) -> int: ...
    @overload
    def get_option(self, level: int | str, name: int | str, size: int) -> bytes: ...
    def get_option(self, level: int | str, name: int | str, size: int = 0) -> int | bytes:
        """Return a socket option: a number, or up to ``size`` bytes if that is given.

        Args:
            level: a number or its name in the ``socket`` module: ``"SOL_SOCKET"``, ``"IPPROTO_TCP"``.
            name: a number or its name there: ``"SO_RCVBUF"``, ``"TCP_MAXSEG"``.

        Raises:
            UsageError: the stream has no socket of the kernel's, the name is unknown, or the kernel refused.
            ClosedError: the stream is closed.
        """
        return _shell().get_option(self, level, name, size)

    def set_option(self, level: int | str, name: int | str, value: int | bytes) -> None:
        """Set a socket option; ``Tuning`` sets the usual ones of a new connection.

        Args:
            level, name: as in ``get_option``.

        Raises:
            UsageError, ClosedError: as in ``get_option``.
        """
        _shell().set_option(self, level, name, value)

    def peer_credentials(self) -> Credentials:
        """Return the process id, user and group at the other end of a Unix socket.

        The kernel recorded them when the peer connected: the process may have exited or passed the socket on since.

        Raises:
            UsageError: this is no Unix socket, or the system does not tell.
            ClosedError: the stream is closed.
        """
        return _shell().peer_credentials(self)

    @abstractmethod
    async def send_fds(
        self, data: bytes, fds: Sequence[int], *, timeout: float | None = None, deadline: float | None = None
    ) -> None:
        """Send ``data``, at least one byte, with copies of the descriptors ``fds`` over a Unix socket (SCM_RIGHTS).

        The caller's descriptors must stay open until this returns, and remain the caller's.  Cancelling leaves the
        message either queued whole, or not sent at all.

        Raises:
            UsageError: this is no Unix socket; no data; no descriptor, more than 253, or one that is not open.
            DeadlineError, ResetError, ClosedError: as in ``send``.
        """

    @abstractmethod
    async def recv_fds(
        self,
        limit: int = READ,
        most: int = FDS,
        *,
        timeout: float | None = None,
        deadline: float | None = None,
        stage: str = "read",
        waiting: Waiting = Waiting.RECEIVE,
    ) -> tuple[bytes, list[int]]:
        """Return 1 to ``limit`` bytes and the descriptors that came with them, which are the caller's; b"" at EOF.

        Descriptors that come with bytes which another verb reads are closed, and so are all of a message with more
        than ``most``.  Cancelling loses none.

        Raises:
            LimitError: more than ``most`` descriptors came; the bytes stay in the buffer.
            UsageError: this is no Unix socket.
        """

    # reading

    @abstractmethod
    async def read(
        self,
        limit: int = READ,
        *,
        timeout: float | None = None,
        deadline: float | None = None,
        stage: str = "read",
        waiting: Waiting = Waiting.RECEIVE,
    ) -> bytes:
        """Return 1 to ``limit`` bytes as they come; b"" at EOF, and again at every call after it."""

    @abstractmethod
    async def read_exactly(
        self,
        count: int,
        *,
        timeout: float | None = None,
        deadline: float | None = None,
        stage: str = "read",
        waiting: Waiting = Waiting.RECEIVE,
    ) -> bytes:
        """Return ``count`` bytes.

        Raises:
            IncompleteError: EOF came first; ``partial`` holds what there was.
        """

    @abstractmethod
    async def read_until(
        self,
        delimiter: bytes,
        *,
        limit: int = LINE,
        timeout: float | None = None,
        deadline: float | None = None,
        stage: str = "read",
        waiting: Waiting = Waiting.RECEIVE,
    ) -> bytes:
        """Return bytes up to ``delimiter``, which is included and counts for ``limit``.

        Raises:
            LimitError: ``limit`` bytes came without it; they stay in the buffer.
            IncompleteError: EOF came first; ``partial`` holds what there was.
        """

    @abstractmethod
    async def readline(
        self,
        *,
        limit: int = LINE,
        timeout: float | None = None,
        deadline: float | None = None,
        stage: str = "read",
        waiting: Waiting = Waiting.RECEIVE,
    ) -> bytes:
        r"""Return a line with its ``\n``; the last one before EOF may lack it; b"" at EOF.

        Raises:
            LimitError: ``limit`` bytes came without a line's end; they stay in the buffer.
        """

    @abstractmethod
    def lines(self, *, limit: int = LINE) -> AsyncIterator[bytes]:
        r"""Iterate over lines without their ``\n`` or ``\r\n``, until EOF; leaving the loop loses none."""

    @abstractmethod
    def line_batches(self, *, limit: int = LINE) -> AsyncIterator[list[bytes]]:
        r"""Iterate over batches: every whole line that is here, without its end, as often as bytes come."""

    @abstractmethod
    async def read_frame(
        self,
        framing: Framing[M],
        *,
        timeout: float | None = None,
        deadline: float | None = None,
        stage: str = "read",
        waiting: Waiting = Waiting.RECEIVE,
    ) -> M:
        """Return the next message of ``framing``.

        Raises:
            ProtocolError, LimitError: the framing's.
            IncompleteError: EOF came first; ``partial`` is b"" if it came between messages.
        """

    @abstractmethod
    def frames(self, framing: Framing[M]) -> AsyncIterator[M]:
        """Iterate over messages of ``framing`` until EOF between two; leaving the loop loses none."""

    @abstractmethod
    def frame_batches(self, framing: Framing[M]) -> AsyncIterator[list[M]]:
        """Iterate over batches: every whole message that is here, as often as bytes come."""

    @abstractmethod
    def read_nowait(self, limit: int = READ) -> bytes:
        """Return up to ``limit`` bytes of what is here now; b"" says nothing about EOF."""

    @abstractmethod
    def unread(self, data: bytes) -> None:
        """Put ``data`` back in front: the next read returns it first."""

    def __aiter__(self) -> Self:
        return self

    @abstractmethod
    async def __anext__(self) -> bytes:
        """Return the next chunk as ``read`` would; the loop ends at EOF."""

    # writing

    @abstractmethod
    async def send(
        self, *parts: Data, timeout: float | None = None, deadline: float | None = None, stage: str = "send"
    ) -> None:
        """Send the parts as one message behind the sends that began before; return when the kernel took all of it.

        Raises:
            DeadlineError: the peer does not read; ``queued`` says whether the message will still follow.
            ResetError, ClosedError: the connection is gone.
        """

    async def send_frame(
        self, framing: Framing[M], message: M, *, timeout: float | None = None, deadline: float | None = None
    ) -> None:
        """Send one message of ``framing``."""
        await self.send(*framing.encode(message), timeout=timeout, deadline=deadline)

    @abstractmethod
    async def send_file(
        self,
        file: BinaryIO,
        *,
        offset: int = 0,
        count: int | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
    ) -> int:
        """Send ``count`` bytes of a regular file or a BytesIO from ``offset``, or all up to its end; return how many.

        The file's own position neither counts nor changes; reading it may block the loop.  Cancelling leaves a part
        sent.

        Raises:
            UsageError: the file cannot be read, is closed, or is neither regular nor a BytesIO; nothing was sent.
        """

    @abstractmethod
    async def send_eof(self) -> None:
        """Send FIN after everything queued; reading goes on.  Idempotent."""

    @abstractmethod
    def post(self, *parts: Data) -> bool:
        """Send the parts as one message without waiting, behind everything queued; from any task of the loop.

        What the kernel does not take now is kept, up to ``limits.outbox`` bytes; over it this connection ends with
        outcome LIMIT, and its own reader gets LimitError.  Returns False if the connection is closed or ended just
        now: one peer that does not read never fails its sender.
        """

    # messages

    def message(self) -> "Message":
        """Return the span of a message that several reads compose: ``async with stream.message(): ...``.

        From its first byte to the end of the block one frame deadline counts, and a drain does not end the
        connection.  The record counts it as one message.
        """
        return Message(self)

    @abstractmethod
    def begin_message(self) -> None:
        """Open the span of ``message``, which alone calls this."""

    @abstractmethod
    def end_message(self) -> None:
        """Close the span of ``message``, which alone calls this."""

    # both directions

    async def relay(self, other: "Stream", *, tap: Tap | None = None) -> tuple[int, int]:
        """Copy bytes in both directions until both sides have ended theirs; return how many went there and came back.

        A FIN is passed on when everything before it was sent.  A drain does not cut what moves: it ends the relay once
        neither direction has moved for ``proto.drain.QUIET`` seconds.  The limits of both sides hold.  A side that
        breaks, or whose time is over, ends the relay with its error: it ends as ``fail`` does, the other side with
        RST, and each record names the culprit.  Otherwise closing the streams remains the caller's.

        Args:
            tap: is called with True and each chunk that goes to ``other``, with False and each that comes back.
        """
        return await _shell().relay(self, other, tap)

    # the end

    @abstractmethod
    async def close(self, *, timeout: float | None = None) -> None:
        """Send what is queued, then FIN, then close; after ``timeout`` seconds (``limits.close``) abort.  Idempotent.

        A second call waits for the first.  Sends that still wait behind others get ClosedError.  Cancelling aborts.
        """

    @abstractmethod
    def abort(self) -> None:
        """Send RST now, forget what was queued.  Idempotent."""

    @abstractmethod
    def fail(self, error: BaseException) -> None:
        """End the connection because of ``error``, which the record keeps; the peer gets RST, after a drain FIN."""

    @abstractmethod
    def finish_messages(self) -> bool:
        """Begin a drain: from now on a read between messages raises ShuttingDownError, by the rule of ``proto.drain``.

        Returns True if the connection may end at once.  Idempotent; the stream itself watches for the time when the
        rule allows its end, so that one call is enough.
        """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.fail(error)
        await self.close()


class Message:
    """The span that ``Stream.message`` returns."""

    __slots__ = ("_stream",)

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def __aenter__(self) -> None:
        self._stream.begin_message()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.end_message()


def _shell() -> Shell:
    if Stream.shell is None:
        raise UsageError("no engine is loaded", advice="import netwright.aio")
    return Stream.shell
