from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cnbkit import Buildpack
from cnbkit_start import Start
from cnbkit_start.procfile import parse

if TYPE_CHECKING:
    from pathlib import Path

    from tests.buildpacks.conftest import Phases, Ran

PYTHON_OR_NOT = {
    "requires": [{"name": "python", "metadata": {"launch": True}}],
    "or": [{}],
}
DIRECT = {
    "gunicorn app:app": ["gunicorn", "app:app"],
    "python\t-m  app": ["python", "-m", "app"],
    "python -m 'my app' --title \"a b\"": ["python", "-m", "my app", "--title", "a b"],
    "./serve --level=3 a:b,c": ["./serve", "--level=3", "a:b,c"],
    r"printf a\ b": ["printf", "a b"],
}
IN_BASH = {
    "gunicorn -b :$PORT app:app": "exec gunicorn -b :$PORT app:app",
    "gunicorn -b :${PORT:-8000} app": "exec gunicorn -b :${PORT:-8000} app",
    "python app.py >log 2>&1": "exec python app.py >log 2>&1",
    "cat *.txt": "exec cat *.txt",
    "migrate && serve": "migrate && serve",
    "yes | head": "yes | head",
    "cd src; serve": "cd src; serve",
    "gunicorn -w $(nproc) app": "gunicorn -w $(nproc) app",
    "MODE=fast serve": "MODE=fast serve",
    "exec serve": "exec serve",
    "if test -f x; then serve; fi": "if test -f x; then serve; fi",
}


def processes(ran: Ran) -> dict[str, list[str]]:
    return {process["type"]: process["command"] for process in ran.launch["processes"]}


def defaults(ran: Ran) -> list[str]:
    return [each["type"] for each in ran.launch["processes"] if each.get("default")]


def test_detect_skips_an_app_it_knows_nothing_of(phases: Phases) -> None:
    phases.write("index.js", "")
    (phases.app / "app.py").mkdir()
    ran = phases.detect(Start())
    assert ran.code == 100
    assert "skip: none of Procfile, app.py, main.py" in ran.out


@pytest.mark.parametrize("name", ["Procfile", "app.py", "main.py", "requirements.txt"])
def test_detect_asks_for_python_but_can_do_without(phases: Phases, name: str) -> None:
    phases.write(name, b"\xff whatever is in it is for build to judge")
    ran = phases.detect(Start())
    assert (ran.code, ran.plan) == (0, PYTHON_OR_NOT)
    assert f"join: found {name}" in ran.out


def test_detect_needs_no_python_to_run() -> None:
    assert Start.detect is Buildpack.detect


def test_everything_detect_looks_for_is_a_trigger(phases: Phases) -> None:
    for name in Start.triggers.files:
        phases.write(name, "web: x")
        assert phases.detect(Start()).code == 0, name
        (phases.app / name).unlink()


def test_app_py_goes_before_main_py(phases: Phases) -> None:
    phases.write("app.py", "")
    phases.write("main.py", "")
    ran = phases.build(Start())
    assert ran.launch == {
        "processes": [{"type": "web", "command": ["python3", "app.py"], "default": True}]
    }
    assert "  web: python3 app.py, from app.py\n" in ran.out


def test_procfile_goes_before_app_py(phases: Phases) -> None:
    phases.write("app.py", "")
    phases.write("Procfile", "# ours\r\n\r\n  worker: celery -A app\r\nweb : gunicorn app:app\r\n")
    ran = phases.build(Start())
    assert processes(ran) == {
        "worker": ["celery", "-A", "app"],
        "web": ["gunicorn", "app:app"],
    }
    assert defaults(ran) == ["web"]
    assert "web: gunicorn app:app, from Procfile:4\n" in ran.out


def test_web_comes_from_app_py_if_the_procfile_has_none(phases: Phases) -> None:
    phases.write("app.py", "")
    phases.write("Procfile", "train: python train.py\n")
    ran = phases.build(Start())
    assert processes(ran) == {
        "train": ["python", "train.py"],
        "web": ["python3", "app.py"],
    }
    assert defaults(ran) == ["web"]


def test_without_web_the_first_process_is_the_default_and_the_log_says_so(
    phases: Phases,
) -> None:
    phases.write("Procfile", "train: ./train\neval: ./eval\n")
    ran = phases.build(Start())
    assert defaults(ran) == ["train"]
    assert "train is what the image starts: no web in Procfile" in ran.out


@pytest.mark.parametrize("procfile", [None, "", "# nothing yet\n\n"])
def test_a_project_with_nothing_to_start_is_told_what_to_add(
    phases: Phases, procfile: str | None
) -> None:
    phases.write("requirements.txt", "")
    if procfile is not None:
        phases.write("Procfile", procfile)
    ran = phases.build(Start())
    assert ran.code == 65
    assert ran.fault is not None
    assert "no process to start" in ran.fault.what
    assert "add a Procfile with `web: <command>`, or an app.py" in str(ran.fault)
    assert ran.launch == {}


@pytest.mark.parametrize(("line", "command"), DIRECT.items())
def test_a_plain_command_runs_without_a_shell(line: str, command: list[str]) -> None:
    [entry], problems = parse(f"web: {line}")
    assert (entry.command, problems) == (command, [])


@pytest.mark.parametrize(("line", "script"), IN_BASH.items())
def test_shell_syntax_runs_in_bash(line: str, script: str) -> None:
    [entry], problems = parse(f"web: {line}")
    assert (entry.command, problems) == (["bash", "-c", script], [])


@pytest.mark.parametrize(
    "rest", ["", " $NOTHING", " >/dev/stdout", " 2>&1", " &>/dev/stdout", " # said"]
)
def test_signals_reach_a_single_program_itself(rest: str, tmp_path: Path) -> None:
    script = tmp_path / "pid.py"
    script.write_text("import os\nprint(os.getpid())\n")
    [entry], _ = parse(f"web: {sys.executable} {script}{rest}")
    with subprocess.Popen(entry.command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert int(process.stdout.read()) == process.pid


def test_a_quoted_line_means_the_same_directly_as_in_bash() -> None:
    line = r"""printf '%s\n' 'a  b' "c 'd" e\ f "g\"h" x'y'z "i\\j" """
    [entry], _ = parse(f"p: {line}")
    assert entry.command[0] == "printf"
    direct = subprocess.run(entry.command, capture_output=True, check=True).stdout
    by_bash = subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout
    assert direct == by_bash


def test_every_fault_of_a_procfile_is_told_with_its_line(phases: Phases) -> None:
    phases.write(
        "Procfile",
        "web: ./a\nno colon\nwe b: ./b\n\nweb: ./c\nempty:\nquote: echo 'a\n: x\nnul: a\0b\n"
        "comment: # c\nnothing: ''\n",
    )
    ran = phases.build(Start())
    assert ran.code == 65
    assert ran.fault is not None
    assert ran.fault.what == "Procfile has 9 faults"
    assert (ran.fault.detail or "").splitlines() == [
        "Procfile:2: a line without a colon names no process",
        "Procfile:3: a process type may hold letters, digits and '._-'; found ' '",
        "Procfile:5: web is there already, in line 1",
        "Procfile:6: the command is missing",
        "Procfile:7: the command cannot be read: no closing quotation",
        "Procfile:8: a process type may hold letters, digits and '._-'; found nothing",
        "Procfile:9: the command holds a control character",
        "Procfile:10: the command is missing",
        "Procfile:11: the command is missing",
    ]


def test_a_single_fault_of_a_procfile_stands_in_the_headline(phases: Phases) -> None:
    phases.write("Procfile", "web: ./a\nweb: ./b\n")
    fault = phases.build(Start()).fault
    assert fault is not None
    assert (fault.what, fault.where) == (
        "Procfile: web is there already, in line 1",
        "Procfile:2",
    )


def test_a_procfile_in_another_encoding_is_refused_with_its_line(phases: Phases) -> None:
    phases.write("Procfile", b"web: ./a\nx: caf\xe9\n")
    ran = phases.build(Start())
    assert ran.fault is not None
    assert ran.fault.where == "Procfile:2"


LINES = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.text(st.characters(codec="utf-8"), max_size=30).map(str.encode),
        st.tuples(
            st.sampled_from([b"web", b"a.b", b"#", b"", b"\xef\xbb\xbfx"]),
            st.text(alphabet="ab =$'\"\\|&;#\t\r\u2028\u00e9", max_size=20).map(str.encode),
        ).map(b": ".join),
    ),
    max_size=5,
).map(b"\n".join)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=LINES)
@example(content=b"web: \\")
def test_any_procfile_gives_processes_with_one_default_or_a_user_fault(
    phases: Phases, content: bytes
) -> None:
    phases.write("Procfile", content)
    assert phases.detect(Start()).code == 0
    ran = phases.build(Start())
    if ran.code:
        assert ran.code == 65
        assert ran.launch == {}
    else:
        assert len(defaults(ran)) == 1
        assert all(command and command[0] for command in processes(ran).values())
