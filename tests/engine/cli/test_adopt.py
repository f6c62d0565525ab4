"""`cnbkit adopt` as people call it."""

from __future__ import annotations

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from cnbkit.errors import UserFault
from cnbkit_engine.cli.adopt import command

TEXT = """FROM python:3.11-slim
WORKDIR /app
COPY . .
RUN pip install flask && python setup_data.py
HEALTHCHECK CMD curl localhost
CMD ["python", "app.py"]
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    for name in ("app.py", "setup_data.py"):
        (folder / name).touch()
    (folder / "Dockerfile").write_text(TEXT)
    return folder


def adopt(*arguments: str | Path) -> str:
    result = CliRunner().invoke(command, [str(each) for each in arguments], standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.stdout


def names(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def test_files_are_written_and_each_line_is_told(app: Path) -> None:
    said = adopt(app / "Dockerfile").splitlines()
    assert names(app) == [
        *(".cnbkit/post-build", ".python-version", "Dockerfile", "Procfile", "app.py"),
        *("requirements.txt", "setup_data.py"),
    ]
    assert os.access(app / ".cnbkit/post-build", os.X_OK)
    assert not os.access(app / "Procfile", os.X_OK)
    assert [line.split()[0] for line in said[:7]] == ["1", "2", "3", "4", "4", "5", "6"]
    assert "Written Procfile:" in said
    assert said[-2] == "6 of 7 lines are covered, 2 of them by default; 1 needs you."
    assert said[-1] == f"Next: cnbkit plan {app}"


def test_check_writes_nothing(app: Path) -> None:
    before = names(app)
    assert "Procfile:\n  web: python app.py\n" in adopt(app / "Dockerfile", "--check")
    assert names(app) == before


def test_nothing_is_overwritten(app: Path) -> None:
    (app / "Procfile").write_text("web: mine\n")
    said = adopt(app / "Dockerfile")
    assert "Procfile is there and stays as it is." in said
    assert (app / "Procfile").read_text() == "web: mine\n"
    adopt(app / "Dockerfile")
    assert adopt(app / "Dockerfile").count("Written") == 0


def test_for_programs(app: Path) -> None:
    found = json.loads(adopt(app / "Dockerfile", "--check", "--json"))
    assert found["files"]["Procfile"] == "web: python app.py\n"
    assert found["context"] == str(app)
    assert [each["state"] for each in found["lines"]].count("needs you") == 1


def test_a_stage_and_arguments(app: Path) -> None:
    (app / "Dockerfile").write_text(
        "ARG V=3.11\nFROM python:$V AS one\nFROM one AS two\nRUN unheard-of\n"
    )
    found = json.loads(
        adopt(app / "Dockerfile", "--json", "--target", "one", "--build-arg", "V=3.12")
    )
    assert found["files"] == {".python-version": "3.12\n"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, image in (
        ("a/Dockerfile", "python:3.11"),
        ("b/gpu.Dockerfile", "nvidia/cuda:12.4.1"),
    ):
        file = tmp_path / "all" / name
        file.parent.mkdir(parents=True)
        file.write_text(f"FROM {image}\nHEALTHCHECK CMD a\n")
    (tmp_path / "all/c").mkdir()
    (tmp_path / "all/c/Dockerfile.slim").write_text("FROM python:3.11-slim\n")
    (tmp_path / "all/c/Dockerfile.bad").write_text("<b>FRM x\n")
    (tmp_path / "all/c/Dockerfile.md").write_text("# no Dockerfile\n")
    return tmp_path / "all"


SUMMARY = (
    "3 Dockerfiles with 3 base images come down to 2 combinations of one builder;"
    " 3 of 5 lines are covered (60 %), 2 need you."
)


def test_a_report_on_a_folder(tree: Path) -> None:
    before = names(tree)
    said = adopt("--report", tree).splitlines()
    assert said[-1] == SUMMARY
    assert said[1].split("  ")[0] == "a/Dockerfile"
    assert "   2  pip, Python 3.11, no accelerator" in said
    assert any(line.startswith("Not read: c/Dockerfile.bad: ") for line in said)
    assert names(tree) == before


def test_a_report_for_programs(tree: Path) -> None:
    found = json.loads(adopt("--report", tree, "--json"))
    assert found["lines"] == {"covered": 3, "default": 0, "needs": 2}
    assert found["combinations"]["pip, the builder's Python, cuda:12.4"] == 1
    assert len(found["dockerfiles"]) == 3


def test_the_documentation_shows_what_is_said(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs/howto/dockerfile.md").read_text()
    blocks = re.findall(r'```\w+(?: title="([^"]+)")?\n(.*?)```', page, re.DOTALL)
    files = {name: text for name, text in blocks if name}
    assert files.keys() == {"Dockerfile", "requirements.txt"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "app.py").touch()
    said = adopt(tmp_path / "Dockerfile", "--check").replace(str(tmp_path), "…")
    assert ("", said) in blocks


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_report_as_a_page(tree: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    adopt("--report", tree, "--html", file)
    page = _Page()
    page.feed(file.read_text())
    assert SUMMARY in page.text
    assert "'<b>FRM' is not an instruction" in page.text
    assert "script" not in page.tags
    assert "b" in page.tags  # of the page itself
    assert page.addresses == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("{app}/none",), "cannot read none"),
        (("--html", "x.html"), "--html is for --report"),
        (("--report", "{app}/empty"), "no Dockerfile below"),
    ],
)
def test_faults(app: Path, arguments: tuple[str, ...], said: str) -> None:
    (app / "empty").mkdir()
    with pytest.raises(UserFault) as caught:
        adopt(*(each.format(app=app) for each in arguments))
    assert said in str(caught.value)
    assert caught.value.remedy
