"""netwright.proto.tcp.congestion.choice."""

import pytest

from netwright.proto.tcp.congestion.choice import control_for
from netwright.proto.tcp.settings import CONTROLS, Settings


@pytest.mark.parametrize("name", CONTROLS)
def test_every_name_that_settings_allow_has_its_control(name: str) -> None:
    assert control_for(Settings(congestion=name)).name == name
