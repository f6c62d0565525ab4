"""Running other programs."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from cnbkit import BuildpackFault, CommandFailed
from cnbkit.command import Runner

PATH = "/usr/bin:/bin"


class Shown(list[str]):
    """The lines shown."""


def _runner(cwd: Path, shown: Shown, **env: str) -> Runner:
    return Runner(lambda: {"PATH": PATH, **env}, str(cwd), shown.append)


def test_what_a_program_prints_is_shown_by_line_and_comes_back(tmp_path: Path) -> None:
    shown = Shown()
    run = _runner(tmp_path, shown)
    done = run("sh", "-c", "echo one; echo two >&2; printf 'th\\377'")
    assert (done.stdout, done.stderr, done.returncode) == ("one\nth\ufffd", "two\n", 0)
    assert sorted(done.output.splitlines()) == sorted(shown) == ["one", "th\ufffd", "two"]


@pytest.mark.parametrize("quiet", [True, False])
def test_of_a_silent_program_something_is_told_again_and_again(tmp_path: Path, quiet: bool) -> None:
    told: list[tuple[float, str]] = []
    done = tmp_path / "done"

    def still(seconds: float, name: str) -> None:
        told.append((seconds, name))
        if len(told) == 3:
            done.touch()

    run = Runner(lambda: {"PATH": PATH}, str(tmp_path), Shown().append, still=still)
    run.every = 0.02
    run("/bin/sh", "-c", "until [ -e done ]; do sleep 0.01; done", quiet=quiet, timeout=60)
    assert {name for _, name in told} == {"sh"}
    assert [seconds for seconds, _ in told] == sorted(seconds for seconds, _ in told)


def test_what_a_program_warns_of_is_no_part_of_its_answer(tmp_path: Path) -> None:
    run = _runner(tmp_path, Shown())
    assert run("sh", "-c", "echo warning: x >&2; echo 3.12.1").stdout.strip() == "3.12.1"
    with pytest.raises(AttributeError, match=r"write \.stdout\.strip\("):
        run("true").strip()  # type: ignore[attr-defined]


def test_an_exit_status_can_be_an_answer(tmp_path: Path) -> None:
    done = _runner(tmp_path, Shown())("sh", "-c", "echo why >&2; exit 3", check=False)
    assert (done.returncode, done.stderr, done.argv[0]) == (3, "why\n", "sh")
    with pytest.raises(CommandFailed):
        _runner(tmp_path, Shown())("absent", check=False)


@pytest.mark.parametrize("given", ["a\u00e9", b"a\xc3\xa9", "", "x" * 1_000_000])
def test_a_program_reads_what_it_is_given(tmp_path: Path, given: str | bytes) -> None:
    text = given if isinstance(given, str) else given.decode()
    run = _runner(tmp_path, Shown())
    assert run("cat", input=given, quiet=True).stdout == text
    assert run("true", input=given).returncode == 0  # which reads none of it


def test_much_on_both_outputs_comes_whole(tmp_path: Path) -> None:
    script = "for i in $(seq 20000); do echo o$i; echo e$i >&2; done"
    done = _runner(tmp_path, Shown())("sh", "-c", script, quiet=True)
    assert done.stdout.split() == [f"o{i}" for i in range(1, 20001)]
    assert done.stderr.split() == [f"e{i}" for i in range(1, 20001)]


@pytest.mark.parametrize("wrong", [None, ["echo", "x"], b"echo", {}])
def test_an_argument_that_is_no_text_is_told(tmp_path: Path, wrong: object) -> None:
    with pytest.raises(BuildpackFault, match="no text and no path"):
        _runner(tmp_path, Shown())("echo", wrong)  # type: ignore[arg-type]


def test_a_command_line_in_one_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed) as caught:
        _runner(tmp_path, Shown())("echo x")
    assert "each by itself" in str(caught.value.remedy)


def test_a_quiet_program_shows_nothing_but_its_output_comes_back(tmp_path: Path) -> None:
    shown = Shown()
    assert _runner(tmp_path, shown)("echo", "x", quiet=True).stdout == "x\n"
    assert shown == []


def test_a_program_runs_in_the_app_with_no_input(tmp_path: Path) -> None:
    assert _runner(tmp_path, Shown())("sh", "-c", "pwd; cat").stdout == f"{tmp_path}\n"
    (tmp_path / "below").mkdir()
    assert _runner(tmp_path, Shown())("pwd", cwd=tmp_path / "below").stdout == f"{tmp_path}/below\n"


def test_a_program_is_found_on_the_path_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("#!/bin/sh\necho found $A\n")
    (tmp_path / "mine").chmod(0o755)
    run = _runner(tmp_path, Shown(), PATH=f"{tmp_path}:{PATH}")
    assert run("mine", env={"A": "x"}).stdout == "found x\n"
    with pytest.raises(CommandFailed):
        _runner(tmp_path, Shown())("mine")


def test_only_the_given_environment_reaches_a_program(tmp_path: Path) -> None:
    run = _runner(tmp_path, Shown(), A="1", B="1")
    seen = run("/usr/bin/env", env={"B": "2"}).stdout.splitlines()
    assert sorted(seen) == ["A=1", "B=2", f"PATH={PATH}"]


def test_the_environment_is_asked_for_at_each_call(tmp_path: Path) -> None:
    env = {"PATH": PATH, "A": "1"}
    run = Runner(lambda: env, str(tmp_path), Shown().append)
    env["A"] = "2"
    assert run("sh", "-c", "echo $A").stdout == "2\n"


def test_a_failure_keeps_all_lines_and_shows_the_first_and_the_last(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed) as caught:
        _runner(tmp_path, Shown())("sh", "-c", "seq 100; exit 3", quiet=True)
    assert (caught.value.code, caught.value.argv[0]) == (3, "sh")
    assert caught.value.output.splitlines() == [str(line) for line in range(1, 101)]
    first, last = [f"{line}" for line in range(1, 16)], [f"{line}" for line in range(61, 101)]
    assert caught.value.shown.splitlines() == [*first, "… 45 lines are left out", *last]
    shown = str(caught.value)
    assert shown.startswith("Error: sh ended with exit status 3\n  where: sh -c seq 100; exit 3\n")
    assert shown.endswith("\n    100")
    assert "\n    50\n" not in shown


def test_output_that_is_not_long_is_shown_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed) as caught:
        _runner(tmp_path, Shown())("sh", "-c", "seq 56; exit 3", quiet=True)
    assert caught.value.shown == caught.value.output


def test_a_killed_program_is_told_from_one_that_gave_up(tmp_path: Path) -> None:
    """The usual end of an installation that ran out of memory."""
    with pytest.raises(CommandFailed, match="sh was killed by signal 9") as caught:
        _runner(tmp_path, Shown())("sh", "-c", "kill -9 $$")
    assert caught.value.code == -9


def test_a_program_that_cannot_be_started_fails_like_one_that_ran(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    for program in ("absent-program", str(tmp_path / "plain"), str(tmp_path)):
        with pytest.raises(CommandFailed) as caught:
            _runner(tmp_path, Shown())(program)
        assert caught.value.code == 127
        assert program in caught.value.output


def test_a_missing_working_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed) as caught:
        _runner(tmp_path, Shown())(sys.executable, cwd=tmp_path / "absent")
    assert str(tmp_path / "absent") in caught.value.output


def test_a_program_is_killed_with_all_it_started_when_its_time_is_over(tmp_path: Path) -> None:
    runner = Runner(lambda: {"PATH": "/usr/bin:/bin"}, str(tmp_path), lambda _: None)
    script = "echo begun; (sleep 600; touch late) & sleep 600"
    with pytest.raises(CommandFailed, match=r"sh took longer than 0\.5 s") as caught:
        runner("sh", "-c", script, timeout=0.5)
    assert caught.value.output == "begun"
    assert caught.value.timeout == 0.5
    assert runner("echo", "in time", timeout=60).stdout == "in time\n"


@pytest.mark.parametrize("left", ["sleep 600", "yes", "exec setsid sleep 600", "cat"])
def test_what_a_program_leaves_behind_is_not_waited_for(tmp_path: Path, left: str) -> None:
    run = _runner(tmp_path, Shown())
    done = run("sh", "-c", f"echo begun; {left} & echo $!; echo >&2 warned", timeout=60, input="x")
    lines = done.stdout.splitlines()
    [number] = {*lines} - {"begun", "y"}
    assert (lines[0], done.stderr) == ("begun", "warned\n")
    if "setsid" in left:  # a program that wants to outlive it may
        os.kill(int(number), signal.SIGKILL)
        return
    # Until it has ended, and somebody or nobody has waited for it.
    with suppress(FileNotFoundError, ProcessLookupError):
        while Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)


def test_what_is_left_behind_and_holds_nothing_goes_on(tmp_path: Path) -> None:
    run = _runner(tmp_path, Shown())
    number = int(run("sh", "-c", "sleep 600 >/dev/null 2>&1 & echo $!", timeout=60).stdout)
    os.kill(number, signal.SIGKILL)


def test_a_program_ends_when_another_thread_says_so(tmp_path: Path) -> None:
    runner = _runner(tmp_path, Shown())
    until = threading.Event()
    timer = threading.Timer(0.3, until.set)
    timer.start()
    with pytest.raises(CommandFailed) as caught:
        runner("sh", "-c", "echo begun; sleep 600 & sleep 600", until=until)
    assert caught.value.code == -9
    assert caught.value.timeout is None
    assert caught.value.output == "begun"
    assert runner("echo", "before", until=threading.Event()).stdout == "before\n"
