"""Settings of a run."""

import pytest

from netwright.core.address import InetAddress
from netwright.core.errors import UsageError
from netwright.run.settings import Spelling, console_address


@pytest.mark.parametrize("text", [None, "", "off"])
def test_no_console(text: str | None) -> None:
    assert console_address(text) is None


def test_console_has_a_host_and_a_port() -> None:
    assert console_address("[::1]:8001") == InetAddress("::1", 8001)
    with pytest.raises(UsageError, match="host:port required"):
        console_address("unix:/x")


def test_advice_is_spelled_as_the_user_started_the_program() -> None:
    address = InetAddress("127.0.0.1", 8002)
    assert Spelling("netwright serve a.py").bind(address) == "netwright serve a.py --bind 127.0.0.1:8002"
    assert Spelling().bind(address) == 'run(bind="127.0.0.1:8002")'
    assert "netwright serve a.py --console 127.0.0.1:0" in Spelling("netwright serve a.py").console("127.0.0.1")
    assert 'run(console="127.0.0.1:0")' in Spelling().console("127.0.0.1")
