"""netwright.proto.tcp.copying: values that are copied and sent to other processes, compiled or not."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from netwright.core.tuning import KeepAlive
from netwright.proto.tcp.policy import RFC_793
from netwright.proto.tcp.segment import ACK, SYN, Segment, SynOptions
from netwright.proto.tcp.settings import Settings
from netwright.sim.link import Path
from netwright.sim.loss import Bernoulli, GilbertElliott

VALUES = (
    Settings(congestion="reno", policy=RFC_793, keepalive=KeepAlive(1, 2, 3)),
    Segment(1, 2, SYN | ACK, 3, b"data", (4, 5), ((6, 7),), SynOptions(1460, 7, sack_permitted=True), 2),
    Path(delay=0.01, loss=Bernoulli(0.5)),
    GilbertElliott(0.1, 0.2),
)


def by_pickle(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, by_pickle])
def test_a_copy_is_equal(way: Callable[[Any], Any], value: Any) -> None:
    assert way(value) == value
    assert type(way(value)) is type(value)
