import subprocess
import sys

import pytest

import netwright

NAMES = (
    "App ConnectError ConnectionRecord DeadlineError DrainReport InetAddress LimitError Limits Listener Moment "
    "NetwrightError ProtocolError Recorder Request ResetError Response Service Stream Timeline TransportError Tuning "
    "UnixAddress UsageError analyse connect parse_address"
)


def test_front_door_has_these_names_and_no_others() -> None:
    assert netwright.__all__ == NAMES.split()


@pytest.mark.parametrize("name", netwright.__all__)
def test_every_name_leads_to_its_home(name: str) -> None:
    assert getattr(netwright, name).__name__ == name
    assert name in dir(netwright)


def test_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'netwright' has no attribute 'nothing'"):
        _ = netwright.nothing  # type: ignore[attr-defined]  # the point


@pytest.mark.real
def test_import_of_the_package_imports_nothing_else() -> None:
    code = "import netwright, sys; print(sorted(name for name in sys.modules if name.startswith('netwright.')))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert run.stdout.strip() == "[]"
