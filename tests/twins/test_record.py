"""The native ConnectionRecord gives what the pure one gives, whatever is done to it."""

from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core import record as specification
from netwright.core.address import InetAddress
from netwright.core.moment import Kind
from tests.support.twins import pure

native = pytest.importorskip("netwright.core._record", reason="the kernel is not built")
PURE = pure("netwright.core.record")

times = st.floats(0, 1e6)
sizes = st.integers(0, 2**40)
steps = st.one_of(
    st.tuples(st.just("received"), sizes, times),
    st.tuples(st.just("sent"), sizes, times),
    st.tuples(st.just("wait"), st.sampled_from([waiting.name for waiting in specification.Waiting]), times),
    st.tuples(st.just("exchange"), st.text(max_size=5), times),
    st.tuples(st.just("note"), st.sampled_from(Kind), times),
    st.tuples(st.just("end"), st.sampled_from([outcome.name for outcome in specification.Outcome]), times),
    st.tuples(st.just("sample"), st.integers(0, 79), times),
    st.tuples(st.just("set"), st.sampled_from(["service", "protocol"]), st.text(max_size=5)),
)


def play(module: ModuleType, played: list[tuple[str, Any, Any]], *, watched: bool) -> tuple[Any, ...]:
    """Everything that can be seen of a connection after ``played`` happened to it."""
    recorder = module.Recorder(watch_all=watched)
    record = recorder.open(role="accepted", transport="tcp", local=None, peer=InetAddress("127.0.0.1", 4000), at=0.5)
    for verb, what, extra in played:
        match verb:
            case "wait":
                record.wait(module.Waiting[what], extra)
            case "note":
                record.note(what, extra, size=3, note="n", about=("a", 1))
            case "end":
                record.end(module.Outcome[what], extra, stage="frame", errno=110, text="late")
            case "sample":  # struct tcp_info with one byte set
                record.probe = lambda at=what: bytes(at) + b"\1" + bytes(79 - at)
                record.sample(extra)
            case "set":
                setattr(record, what, extra)
            case _:
                getattr(record, verb)(what, extra)
    before = (repr(record), record.as_dict(), record.kernel)
    recorder.close(record, 2e6)
    return (*before, repr(record), record.as_dict(), list(record.timeline or ()), dict(recorder.totals))


@given(st.lists(steps, max_size=30), st.booleans())
def test_native_record_is_the_pure_one(played: list[tuple[str, Any, Any]], watched: bool) -> None:
    assert specification.ConnectionRecord is native.ConnectionRecord
    assert PURE.ConnectionRecord is not native.ConnectionRecord
    assert play(specification, played, watched=watched) == play(PURE, played, watched=watched)
