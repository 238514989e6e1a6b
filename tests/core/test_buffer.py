from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from netwright.core.buffer import ReceiveBuffer

_SMALL = st.binary(max_size=6).map(lambda raw: bytes(byte % 3 for byte in raw))


class BufferIsAQueueOfBytes(RuleBasedStateMachine):
    """Against ``bytes``: whatever is appended, taken and searched."""

    def __init__(self) -> None:
        super().__init__()
        self.ours, self.model = ReceiveBuffer(), b""

    @rule(data=_SMALL)
    def append(self, data: bytes) -> None:
        self.ours.append(data)
        self.model += data

    @rule(data=_SMALL)
    def prepend(self, data: bytes) -> None:
        self.ours.prepend(data)
        self.model = data + self.model

    @rule(count=st.integers(0, 8))
    def take(self, count: int) -> None:
        assert self.ours.take(count) == self.model[:count]
        self.model = self.model[count:]

    @rule(count=st.integers(0, 8))
    def skip(self, count: int) -> None:
        self.ours.skip(count)
        self.model = self.model[count:]

    @rule(sought=_SMALL.filter(bool))
    def find(self, sought: bytes) -> None:
        assert self.ours.find(sought) == self.model.find(sought)
        assert self.ours.rfind(sought) == self.model.rfind(sought)

    @rule(count=st.integers(0, 8), offset=st.integers(0, 8))
    def peek(self, count: int, offset: int) -> None:
        assert self.ours.peek(count, offset) == self.model[offset : offset + count]

    @invariant()
    def length(self) -> None:
        assert len(self.ours) == len(self.model)


TestBuffer = BufferIsAQueueOfBytes.TestCase
TestBuffer.settings = settings(deadline=None)  # a busy machine is no finding


def test_front_is_given_back_to_memory_after_64_kib() -> None:
    buffer = ReceiveBuffer()
    buffer.append(bytes(200_000))
    buffer.skip(150_000)
    assert buffer.take_all() == bytes(50_000)
    assert "0 bytes" in repr(buffer)


@given(st.integers(1, 40))
def test_find_of_a_delimiter_that_comes_bytewise_sees_it_at_once(length: int) -> None:
    buffer = ReceiveBuffer()
    for byte in b"x" * length + b"\r\n":
        assert buffer.find(b"\r\n") == -1
        buffer.append(bytes([byte]))
    assert buffer.find(b"\r\n") == length


def test_find_sees_what_was_put_in_front_after_it_looked() -> None:
    buffer = ReceiveBuffer()
    buffer.append(b"rest")
    assert buffer.find(b"\n") == -1
    buffer.prepend(b"x\n")
    assert buffer.find(b"\n") == 1


def test_resume_is_kept_until_bytes_leave_or_come_in_front() -> None:
    buffer = ReceiveBuffer()
    for change in (lambda: buffer.take(1), lambda: buffer.skip(1), lambda: buffer.prepend(b"x"), buffer.take_all):
        buffer.append(b"ab")
        buffer.resume = "seen 2 bytes"
        buffer.append(b"cd")
        assert (buffer.find(b"z"), buffer.peek(1) != b"", buffer.resume) == (-1, True, "seen 2 bytes")
        change()
        assert buffer.resume is None
