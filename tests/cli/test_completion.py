"""Completion, asked of the shells themselves."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from netwright.cli.group import COMMANDS, netwright

BIN = str(Path(sys.executable).parent)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_completes_both_names(shell: str) -> None:
    result = CliRunner().invoke(netwright, ["completion", shell])
    assert result.exit_code == 0
    assert "_NETWRIGHT_COMPLETE=" in result.output
    assert " nw" in result.output.splitlines()[-1]


ASK = {
    "bash": """
        eval "$(netwright completion bash)"
        COMP_WORDS=({words}); COMP_CWORD={last}; _netwright_completion {name}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """,
    "zsh": """
        autoload -U compinit && compinit -u -D
        compadd() {{ print -l -- "$@" }}
        _describe() {{ print -l -- ${{(P)3}} ${{(P)2}} }}
        eval "$(netwright completion zsh)"
        words=({words}); CURRENT={count}; _netwright_completion
    """,
    "fish": """
        netwright completion fish | source
        complete --do-complete '{line}'
    """,
}


@pytest.mark.real
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("name", ["netwright", "nw"])
@pytest.mark.parametrize(
    ("typed", "wanted"), [("d", {"demo", "doctor"}), ("serve --no", {"--no-console", "--no-http"})]
)
def test_shell_completes_commands_and_options(shell: str, name: str, typed: str, wanted: set[str]) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    words = [name, *typed.split()]
    script = ASK[shell].format(
        words=" ".join(words), last=len(words) - 1, count=len(words), name=name, line=" ".join(words)
    )
    flag = ["-f", "-c"] if shell == "zsh" else ["-c"]
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": "/nonexistent", "TERM": "dumb"}
    done = subprocess.run(
        [shell, *flag, script], capture_output=True, text=True, timeout=30, env=environment, check=False
    )
    found = {word for line in done.stdout.splitlines() for word in line.split("\t")[0].split(":")[:1]}
    assert wanted <= found, done.stdout + done.stderr
    assert not (found & set(COMMANDS)) - wanted
