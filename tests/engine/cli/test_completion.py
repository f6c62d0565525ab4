"""Shell completion, as shells ask for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cnbkit_engine.cli.completion import command

BIN = Path(sys.executable).parent


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(shell: str) -> None:
    result = CliRunner().invoke(command, [shell])
    assert result.exit_code == 0
    assert f"_CNBKIT_COMPLETE={shell}_complete" in result.output


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("cnbkit che", "check"),
        ("cnbkit check --str", "--strict"),
        ("cnbkit new --kind ext", "extension"),
    ],
)
def test_bash_completes_commands_options_and_choices(line: str, completed: str) -> None:
    words = line.split()
    script = (
        'eval "$(cnbkit completion bash)"\n'
        f"COMP_WORDS=({line}) COMP_CWORD={len(words) - 1}\n"
        f"_cnbkit_completion cnbkit {words[-1]}\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [completed]


def test_another_shell_is_wrong_usage() -> None:
    assert CliRunner().invoke(command, ["tcsh"]).exit_code == 2
