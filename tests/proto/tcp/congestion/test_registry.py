"""netwright.proto.tcp.congestion.registry: controls by name, the built-in ones and a program's own."""

from collections.abc import Iterator

import pytest

from netwright.core.errors import UsageError
from netwright.proto.tcp.congestion import registry
from netwright.proto.tcp.congestion.bbr import Bbr
from netwright.proto.tcp.congestion.control import Control, PathSample
from netwright.proto.tcp.congestion.cubic import Cubic
from netwright.proto.tcp.congestion.cubic_linux import CubicLinux
from netwright.proto.tcp.congestion.hystart import HyStart, HyStartPlus
from netwright.proto.tcp.congestion.registry import HYSTARTS, control_for, control_names, register
from netwright.proto.tcp.congestion.reno import Reno
from netwright.proto.tcp.congestion.window import Window
from netwright.proto.tcp.delivery import RateSample
from netwright.proto.tcp.settings import Settings
from netwright.sim.link import Path
from netwright.sim.pair import Pair, send_all


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test registers is gone afterwards."""
    before = dict(registry._factories)  # noqa: SLF001  # there is no other way to take a name back
    yield
    registry._factories.clear()  # noqa: SLF001
    registry._factories.update(before)  # noqa: SLF001


class Fixed(Control):
    """A stranger's control: it overrides what it needs, and nothing else."""

    def acked(self, window: Window, segments: int, now: float, rtt: float) -> None:
        window.cwnd = 20

    def reduced(self, window: Window, now: float) -> int:
        return 20


class Ten(Control):
    """A stranger's model: ten segments in flight, a hundred a second."""

    def is_model_based(self) -> bool:
        return True

    def steer(self, window: Window, sample: RateSample, path: PathSample, *, recovering: bool, now: float) -> None:
        window.cwnd = 10

    def interval(self, window: Window, srtt: float) -> float:
        return 0.01


def test_every_built_in_name_has_its_control() -> None:
    kinds = [type(control_for(Settings(congestion=name))) for name in control_names()]
    assert kinds == [CubicLinux, Cubic, Reno, Bbr]


def test_every_hystart_has_its_class() -> None:
    """None of them for "off"."""
    controls = [control_for(Settings(hystart=name)) for name in HYSTARTS]
    kinds = [type(control.hystart) for control in controls if isinstance(control, Cubic)]
    assert kinds == [HyStart, HyStartPlus, type(None)]


def test_a_control_of_ones_own_is_used_by_its_name() -> None:
    """A few lines, whatever else the sender does."""
    register("fixed", lambda settings: Fixed())
    pair = Pair(client=Settings(congestion="fixed"), there=Path(delay=0.01, loss=0.01), back=Path(delay=0.01), seed=1)
    pair.client.program = send_all(500_000)
    pair.run(until=60.0, stop=lambda: pair.server.received == 500_000)
    sender = pair.client.endpoint.sender
    assert pair.server.received == 500_000
    assert sender.retransmissions > 0
    assert sender.window.cwnd == 20
    assert repr(sender.control) == "<Fixed>"


def test_a_model_of_ones_own_sets_window_and_pace() -> None:
    """Its interval holds the rate, whatever the window is."""
    register("ten", lambda settings: Ten())
    pair = Pair(client=Settings(congestion="ten"), there=Path(delay=0.01), back=Path(delay=0.01), seed=1)
    pair.client.program = send_all(144_800)
    pair.run(until=60.0, stop=lambda: pair.server.received == 144_800)
    assert pair.now == pytest.approx(100 * 0.01, abs=0.2)


def test_a_name_belongs_to_one_control() -> None:
    with pytest.raises(UsageError, match="congestion control 'reno' is registered already"):
        register("reno", lambda settings: Reno())


def test_an_unknown_name_is_refused_with_the_known_ones_and_the_way_to_add_one() -> None:
    with pytest.raises(UsageError, match="congestion='mine', one of cubic, cubic-rfc9438, reno, bbr allowed") as caught:
        Settings(congestion="mine")
    assert "registry.register" in str(caught.value.advice)
