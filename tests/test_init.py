import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import netwright

NAMES = (
    "App BindError ClosedError ConnectError ConnectionRecord Credentials DeadlineError Delimited DrainReport "
    "Framing IncompleteError InetAddress KeepAlive LengthPrefixed LimitError Limits Lines Listener Moment "
    "NetwrightError Outcome ProtocolError Recorder RefusedError Request ResetError Response Service "
    "ShuttingDownError Stream Struct Timeline TransportError Tuning UnixAddress UsageError Varint Waiting "
    "analyse connect parse_address stream_pair"
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


def test_names_are_sorted_and_typed_as_they_are_found() -> None:
    assert netwright.__all__ == sorted(netwright.__all__, key=lambda name: (name[0].islower(), name))
    source = Path(netwright.__file__).read_text()
    block = source[source.index("if TYPE_CHECKING:") : source.index("__version__")]
    homes = re.findall(r"from (\S+) import (?:\(([^)]*)\)|(.*))", block)
    typed = {name for _, several, one in homes for name in re.findall(r"\w+", several + one)}
    assert typed == set(netwright.__all__)


def test_every_error_that_a_verb_raises_and_every_name_that_the_guide_uses_is_there() -> None:
    guide = Path("docs/streams.md").read_text()
    used = {name for names in re.findall(r"from netwright import (.+)", guide) for name in names.split(", ")}
    raised = set(re.findall(r"\b[A-Z]\w+Error\b", guide + (inspect.getdoc(netwright.Stream) or "")))
    for verb in vars(netwright.Stream).values():
        raised |= set(re.findall(r"\b[A-Z]\w+Error\b", getattr(verb, "__doc__", None) or ""))
    foreign = {"IncompleteReadError", "LimitOverrunError"}  # asyncio's
    assert len(raised) > 5
    assert (used | raised) - foreign <= set(netwright.__all__)


@pytest.mark.parametrize("verb", ["send", "read", "close", "recv_fds", "adopt"])
def test_help_of_a_verb_says_what_it_does_and_what_it_raises(verb: str) -> None:
    found = getattr(netwright.Stream, verb)
    text = inspect.getdoc(found) or ""
    assert len(text.splitlines()[0]) > 20
    assert all(parameter.annotation is not parameter.empty for name, parameter in _parameters(found) if name != "self")


def _parameters(verb: object) -> list[tuple[str, inspect.Parameter]]:
    return list(inspect.signature(verb).parameters.items())  # type: ignore[arg-type]  # a function


@pytest.mark.real
def test_import_of_the_package_imports_nothing_else() -> None:
    code = "import netwright, sys; print(sorted(name for name in sys.modules if name.startswith('netwright.')))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert run.stdout.strip() == "[]"
