"""netwright.proto.channel: the abstract type of what carries a stream's bytes."""

import pytest

from netwright.proto.channel import Channel


def test_a_channel_has_six_methods() -> None:
    assert Channel.__abstractmethods__ == {"receive", "send", "finish", "close", "watch", "info"}
    with pytest.raises(TypeError, match="abstract"):
        Channel()  # type: ignore[abstract]
