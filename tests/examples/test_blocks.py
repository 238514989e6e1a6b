"""Every block of the documentation is run, or checked against what exists; the site holds every public name."""

import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from tools import reference

import netwright
from netwright.cli.group import netwright as command
from netwright.sim.pair import Pair, send_all
from netwright.sim.trace import Trace, write_pcapng

PAGES = [Path("README.md"), *sorted(path for path in Path("docs").glob("*.md") if path.name != "style.md")]
NEEDS_ROOT = "asyncio.run("  # a block with a main of its own: tests/truth runs those


def blocks(*languages: str) -> list[tuple[str, int, str]]:
    """Page, line and text of every block in one of the languages."""
    found = []
    for page in PAGES:
        text = page.read_text()
        for match in re.finditer(rf"```(?:{'|'.join(languages)})\n(.*?)```", text, re.DOTALL):
            found.append((str(page), text[: match.start()].count("\n") + 2, match[1]))
    return found


def commands() -> list[tuple[str, list[str]]]:
    """Every command line of a shell block, without its comment; of console blocks those after the prompt."""
    found = []
    for page, number, text in blocks("sh", "console", "bash", "shell"):
        prompted = "\n$ " in f"\n{text}"
        for line in text.replace("\\\n", " ").splitlines():
            if line.strip() and (line.startswith("$ ") or not prompted):
                found.append((f"{page}:{number}", shlex.split(line.removeprefix("$ "), comments=True)))
    return found


def test_there_is_something_to_run() -> None:
    assert len(blocks("python")) >= 4
    assert {"make", "netwright", "python"} <= {words[0] for _, words in commands() if words}


@pytest.mark.parametrize(("page", "number", "text"), blocks("python"), ids=lambda value: str(value)[:20])
def test_python_block_runs_or_at_least_compiles(
    page: str,
    number: int,
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A block that opens a capture finds one; every import holds, also where the block needs root to run."""
    code = compile("\n" * (number - 1) + text, page, "exec")
    if NEEDS_ROOT in text:
        imports = "\n".join(line for line in text.splitlines() if re.match(r"(from|import) ", line))
        exec(compile(imports, page, "exec"), {})
        return
    monkeypatch.chdir(tmp_path)
    trace = Trace()
    pair = Pair(seed=1, trace=trace)
    pair.client.program = send_all(5000)
    pair.run(until=5.0)
    Path("trace.pcap").write_bytes(b"".join(write_pcapng(trace, hosts=("client",))))
    exec(code, {"__name__": "block"})


@pytest.mark.parametrize(("place", "words"), commands(), ids=lambda value: " ".join(value)[:60])
def test_command_of_the_documentation_exists_with_its_options(place: str, words: list[str]) -> None:
    match words:
        case ["netwright" | "nw", name, *rest] if not name.startswith("-"):
            context = click.Context(command)
            found = command.get_command(context, name)
            assert found is not None, f"{place}: no command {name}"
            found.make_parser(click.Context(found, parent=context)).parse_args(list(rest))
        case ["make", target, *_]:
            assert re.search(rf"^{target}:", Path("Makefile").read_text(), re.MULTILINE), f"{place}: no target {target}"
        case ["python", "-m", module, *_]:
            assert find_spec(module) is not None, f"{place}: no module {module}"


def test_command_with_an_unknown_option_is_caught() -> None:
    with pytest.raises(click.NoSuchOption):
        test_command_of_the_documentation_exists_with_its_options("x", ["netwright", "demo", "--lose", "1%"])


def test_reference_has_every_public_name_with_its_words() -> None:
    page = reference.reference()
    for name in netwright.__all__:
        assert f"\n## {name}\n" in page
        first = (getattr(netwright, name).__doc__ or "").partition("\n")[0].replace("``", "`")
        assert first in page


def test_reference_shows_methods_their_signatures_and_their_errors() -> None:
    page = reference.reference()
    assert "async def connect(" in page
    assert "### App.http" in page or "### Service.wait" in page
    assert "\n**Raises**\n\n- " in page
    assert "\n- bind: where HTTP is answered" in page
    assert "\n- has routes answers" not in page, "a second line continues its entry"
    assert "limits: Limits = Limits()," in page, "defaults are written out once, in their own entry"
