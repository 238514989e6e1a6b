"""netwright.proto.tcp.congestion.choice."""

import pytest

from netwright.proto.tcp.congestion.choice import control_for
from netwright.proto.tcp.congestion.cubic import Cubic
from netwright.proto.tcp.congestion.hystart import HyStart, HyStartPlus
from netwright.proto.tcp.settings import CONTROLS, HYSTARTS, Settings


@pytest.mark.parametrize("name", CONTROLS)
def test_every_name_that_settings_allow_has_its_control(name: str) -> None:
    assert control_for(Settings(congestion=name)).name == name


def test_every_hystart_has_its_class() -> None:
    """None of them for "off"."""
    controls = [control_for(Settings(hystart=name)) for name in HYSTARTS]
    kinds = [type(control.hystart) for control in controls if isinstance(control, Cubic)]
    assert kinds == [HyStart, HyStartPlus, type(None)]
