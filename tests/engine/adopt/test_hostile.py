"""Dockerfiles and folders of strangers: read, or refused with what is wrong, and nothing hangs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from cnbkit.errors import UserFault
from cnbkit_engine.adopt.adoption import adopted
from cnbkit_engine.adopt.tree import surveyed
from cnbkit_engine.adopt.tree_page import tree_page
from cnbkit_engine.cli.adopt import command

if TYPE_CHECKING:
    from pathlib import Path

_LONG = 10_000
READ = {
    "variables that double": "FROM x\nARG A=aaaaaaaaaaaaaaaa\n"
    + "".join(f"ARG A{n + 1}=${{A{n}}}${{A{n}}}\n".replace("A0}", "A}") for n in range(200))
    + "ENV B=$A200\nRUN pip install $A200\n",
    "a chain of stages": "FROM x AS s0\n"
    + "".join(f"FROM s{n} AS s{n + 1}\nCOPY --from=s{n} / /\n" for n in range(900)),
    "stages that copy from each other": "FROM x AS a\nCOPY --from=b / /\nFROM y AS b\n"
    "COPY --from=a / /\nFROM b\nCOPY --from=a / /\n",
    "variables in each other": "FROM x\nENV A=" + "${A:-" * 30 + "}" * 30,
    "a value with many cuts": f"FROM x\nENV A={'a' * _LONG}\nENV B=${{A%%*a*a*a*b}} C=${{A##a*b}}",
    "backslashes in a quote": 'FROM x\nRUN <<A "' + "\\" * 5_000 + "\nA\n",
    "flags without end": "FROM x\nRUN " + "--a " * _LONG,
    "JSON without end": "FROM x\nCMD " + "[" * 100_000,
    "stars": "FROM x\nCOPY **/**/**/**/**/x **x ***/[ /\n",
    "one line of many": "FROM x\nRUN a " + "\\\n b " * _LONG,
    "comments of a shell": "FROM x\nRUN <<A\n" + "#\n" * _LONG + "A\n",
    "versions without quotes": "FROM x\nRUN pip install a" + ">1a" * _LONG,
    "brackets": "FROM x\nRUN " + "$(" * _LONG + "\nRUN " + "( " * _LONG,
    "the root's files": "FROM x\nCOPY ../../../../etc/hostname /app/\nCOPY /etc /app\n",
}
REFUSED = {
    "a hundred thousand instructions": "FROM x\n" + "ENV A=1\n" * 100_000,
    "a text without end": "FROM x\nRUN <<A\nx\n",
    "a long name": f"FROM x\nCOPY {'n' * 5_000} /app/\n",
    "no stage": "ARG A=1\n" * 1_000,
    "variables deep in each other": "FROM x\nENV A=" + "${A:-" * _LONG + "}" * _LONG,
}


@pytest.mark.parametrize("name", READ)
def test_a_hostile_dockerfile_is_read(tmp_path: Path, name: str) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(READ[name])
    found = adopted(file)
    assert found.findings.verdicts
    assert sum(map(len, found.files.values())) < 10_000_000


@pytest.mark.parametrize("name", REFUSED)
def test_another_is_refused(tmp_path: Path, name: str) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(REFUSED[name])
    with pytest.raises(UserFault) as caught:
        adopted(file)
    assert caught.value.remedy
    assert "Dockerfile" in str(caught.value.where)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "loop", "large"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "Dockerfile"
    match kind:
        case "pipe":
            os.mkfifo(file)
        case "device":
            file.symlink_to("/dev/zero")
        case "folder":
            file.mkdir()
        case "loop":
            file.symlink_to("Dockerfile")
        case _:
            with file.open("wb") as made:
                made.truncate(1 << 40)
    with pytest.raises(UserFault) as caught:
        adopted(file)
    assert caught.value.where == str(file)


def test_pipes_and_folders_in_the_place_of_an_apps_files_are_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        'FROM python:3.12\nCOPY . /app\nWORKDIR /app\nRUN ./setup.sh\nCMD ["./start.sh"]\n'
    )
    for name in ("requirements.txt", "setup.sh", "start.sh", "environment.yml"):
        os.mkfifo(tmp_path / name)
    for name in ("Procfile", "Aptfile", ".python-version"):
        (tmp_path / name).mkdir()
    found = adopted(tmp_path / "Dockerfile")
    assert found.merge.keys() & {"Procfile", ".python-version"}


@pytest.mark.parametrize("link", ["Procfile", ".cnbkit"])
def test_nothing_is_written_through_a_link_of_the_app(tmp_path: Path, link: str) -> None:
    app, out = tmp_path / "app", tmp_path / "out"
    app.mkdir()
    out.mkdir()
    (app / "Dockerfile").write_text(
        "FROM python:3.12\nCOPY . /app\nWORKDIR /app\nRUN make all\nCMD python app.py\n"
    )
    (app / "Makefile").write_text("all:\n")
    (app / link).symlink_to(out / "new" if link == "Procfile" else out)
    result = CliRunner().invoke(command, [str(app / "Dockerfile")])
    assert isinstance(result.exception, UserFault)
    assert f"{link} is a link" in result.exception.what
    assert [*out.iterdir()] == []


def test_a_report_of_a_folder_with_loops_pipes_and_markup_ends(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "up").symlink_to("../..")
    os.mkfifo(deep / "Dockerfile")
    (tmp_path / "Dockerfile.link").symlink_to("/etc/hostname")
    odd = tmp_path / "<script>alert(1)<"
    odd.mkdir()
    (odd / "Dockerfile").write_text("FROM x</script><script>alert(1)</script>:\x1b[31m\n")
    tree = surveyed(tmp_path)
    assert [row.path for row in tree.rows] == ["<script>alert(1)</Dockerfile"]
    assert [*tree.unread] == ["a/b/Dockerfile"]
    page = tree_page(tree)
    assert "<script" not in page
    assert "\x1b" not in page
    assert "</script" not in page
