"""Fake commands: real processes, answered by the test."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit import BuildContext, Buildpack, BuildResult, CommandFailed, Layer
from cnbkit.testing import Answer, FakeCommands

if TYPE_CHECKING:
    from cnbkit.testing import BuildpackRun, Call


def _run(commands: FakeCommands, *argv: str, **options: object) -> tuple[int, str]:
    done = subprocess.run(
        [str(commands.path / argv[0]), *argv[1:]],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        **options,  # type: ignore[call-overload]
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        ("text", (0, "text\n")),
        ("ends\n", (0, "ends\n")),
        ("", (0, "")),
        (3, (3, "")),
        (0, (0, "")),
        (None, (0, "")),
        (Answer("text", 4), (4, "text\n")),
        (lambda call: call.argv[1], (0, "a\n")),
        (lambda call: len(call.argv), (2, "")),
        (lambda _: None, (0, "")),
    ],
)
def test_a_reply_is_output_exit_status_both_or_a_function(
    tmp_path: Path, reply: object, result: tuple[int, str]
) -> None:
    commands = FakeCommands(tmp_path / "fake", {"tool": reply})  # type: ignore[dict-item]
    with commands.answering():
        assert _run(commands, "tool", "a") == result


def test_the_longest_beginning_of_a_command_line_counts(tmp_path: Path) -> None:
    commands = FakeCommands(
        tmp_path / "fake", {"pip": "any", "pip install": "install", "pip install 'a b'": "a b"}
    )
    with commands.answering():
        assert _run(commands, "pip", "install", "a b", "c") == (0, "a b\n")
        assert _run(commands, "pip", "install", "a") == (0, "install\n")
        assert _run(commands, "pip") == (0, "any\n")


def test_a_call_without_an_answer_fails_and_says_so(tmp_path: Path) -> None:
    commands = FakeCommands(tmp_path / "fake", {"pip install": 0})
    with commands.answering():
        assert _run(commands, "pip", "list") == (127, "the test gives no answer to: pip list\n")


def test_arguments_environment_and_directory_are_recorded_byte_for_byte(tmp_path: Path) -> None:
    where = tmp_path / "a dir"
    where.mkdir()
    commands = FakeCommands(tmp_path / "it's fake", {"tool": 0})
    arguments = ("", "a b", "new\nline", "'\"$x\\", "é", "-n")
    env = {"A": "1", "EMPTY": "", "LINES": "a\nb", "NOT_UTF8": "\udcff"}
    with commands.answering():
        _run(commands, "tool", *arguments, env=env, cwd=where)
    [call] = commands.calls
    assert call.argv == ("tool", *arguments)
    assert call.env == env
    assert call.cwd == where


def test_commands_at_the_same_time_get_their_own_answers(tmp_path: Path) -> None:
    commands = FakeCommands(tmp_path / "fake", {"echo": lambda call: call.argv[1]})
    with commands.answering():
        running = [
            subprocess.Popen(
                [str(commands.path / "echo"), str(number)], stdout=subprocess.PIPE, text=True
            )
            for number in range(8)
        ]
        printed = [process.communicate()[0] for process in running]
    assert printed == [f"{number}\n" for number in range(8)]


def test_what_a_function_raises_reaches_the_test(tmp_path: Path) -> None:
    def wrong(call: Call) -> None:
        assert call.argv == ("something", "else")

    commands = FakeCommands(tmp_path / "fake", {"tool": wrong})
    with pytest.raises(AssertionError, match="something"), commands.answering():
        assert _run(commands, "tool")[0] == 127


def test_a_command_killed_before_its_answer_holds_nobody_up(tmp_path: Path) -> None:
    def kill(_: Call) -> str:
        process.kill()
        process.wait()
        return "too late"

    commands = FakeCommands(tmp_path / "fake", {"tool": kill})
    with commands.answering():
        process = subprocess.Popen([str(commands.path / "tool")])
        process.wait()
    assert len(commands.calls) == 1


class Venv(Buildpack):
    def build(self, ctx: BuildContext) -> BuildResult:
        with ctx.layer(Layer.launch("venv")) as venv:
            ctx.run("python", "-m", "venv", venv.path)
            ctx.run(venv.path / "bin" / "pip", "install", "flask")
        return BuildResult()


def test_a_function_makes_files_and_further_commands(buildpack_run: BuildpackRun) -> None:
    def venv(call: Call) -> None:
        call.add_command(f"{call.argv[-1]}/bin/pip")
        (Path(call.argv[-1]) / "pyvenv.cfg").write_text("home = /usr/bin")

    result = buildpack_run(Venv, commands={"python -m venv": venv, "pip install": "Installed"})
    assert result.code == 0, result.log
    assert result.layer("venv").files == ["bin/pip", "pyvenv.cfg"]
    assert [call.argv[0] for call in result.commands] == ["python", "pip"]


def test_a_commands_failure_is_the_builds_with_its_last_words(buildpack_run: BuildpackRun) -> None:
    result = buildpack_run(Venv, commands={"python": Answer("no module venv", 1)})
    assert isinstance(result.fault, CommandFailed)
    assert result.fault.code == 1
    assert result.fault.output == "no module venv"
    assert result.layers == []
