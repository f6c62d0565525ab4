"""The python buildpack's choices; real interpreters are in tests/e2e."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from cnbkit import BuildContext, UserFault
from cnbkit.log import Log
from cnbkit_python.input import LOCKS, TYPOS, Input
from cnbkit_python.request import VersionRequest

if TYPE_CHECKING:
    from pathlib import Path


def context(app: Path, files: dict[str, str], **env: str) -> BuildContext:
    for name, text in files.items():
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text(text)
    return BuildContext(
        app=str(app), env=env, buildpack="", platform="", layers="", plan="", log=Log()
    )


PROJECT = '[project]\nname = "x"\nversion = "1"\n'


@pytest.mark.parametrize(
    ("files", "chosen", "unread"),
    [
        (["requirements.txt", "app.py"], "requirements.txt", ""),
        (["requirements.txt", "requirements.in"], "requirements.txt", ""),
        (["requirements.in"], "requirements.in", ""),
        (["poetry.lock", "pyproject.toml"], "poetry.lock", ""),
        (["uv.lock", "pyproject.toml", "requirements.txt"], "uv.lock", "requirements.txt"),
        (["Pipfile", "Pipfile.lock"], "Pipfile.lock", ""),
        (["Pipfile"], "Pipfile", ""),
        (["pylock.toml", "requirements.txt"], "pylock.toml", "requirements.txt"),
        (["requirements.txt", "pyproject.toml"], "requirements.txt", "pyproject.toml"),
        (["pyproject.toml", "setup.py"], "pyproject.toml", ""),
        (["setup.py"], "setup.py", ""),
        (["app.py"], "", ""),
    ],
)
def test_a_lock_comes_before_what_it_was_made_of_and_what_is_not_read_is_said(
    tmp_path: Path, files: list[str], chosen: str, unread: str
) -> None:
    texts = {name: PROJECT if name == "pyproject.toml" else "" for name in files}
    found = Input.choose(context(tmp_path, texts))
    assert found.names == ([chosen] if chosen else [])
    assert (f"{unread} not read" in found.reason) == bool(unread)
    assert ("not read" in found.reason) == bool(unread)


@pytest.mark.parametrize("other", [name for name in LOCKS if name != "poetry.lock"])
def test_two_locks_are_an_error_that_names_both_until_one_is_chosen(
    tmp_path: Path, other: str
) -> None:
    files = {"poetry.lock": "", other: ""}
    with pytest.raises(UserFault) as caught:
        Input.choose(context(tmp_path, files))
    assert "poetry.lock (Poetry)" in caught.value.what
    assert f"{other} ({LOCKS[other]})" in caught.value.what
    assert caught.value.remedy is not None
    assert "BP_PYTHON_INPUT" in caught.value.remedy
    assert Input.choose(context(tmp_path, files), other).names == [other]


def test_a_pyproject_with_settings_of_tools_only_declares_nothing(tmp_path: Path) -> None:
    files = {"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}
    assert Input.choose(context(tmp_path, files)).names == []


def test_several_requirements_files_may_be_set_but_nothing_with_a_lock(tmp_path: Path) -> None:
    files = {"a.txt": "", "deps/b.in": "", "uv.lock": ""}
    several = Input.choose(context(tmp_path, files), "a.txt, deps/b.in")
    assert several.names == ["a.txt", "deps/b.in"]
    with pytest.raises(UserFault, match=r"uv\.lock cannot be combined"):
        Input.choose(context(tmp_path, files), "a.txt,uv.lock")
    with pytest.raises(UserFault, match=r"there is no file gone\.txt"):
        Input.choose(context(tmp_path, files), "a.txt,gone.txt")


@pytest.mark.parametrize("name", TYPOS)
def test_a_misspelt_file_is_explained(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserFault, match=f"but a {name}"):
        Input.choose(context(tmp_path, {name: "six\n"}))


POETRY = '[tool.poetry.dependencies]\npython = "{}"\n'


@pytest.mark.parametrize(
    ("files", "setting", "wanted", "source"),
    [
        ({".python-version": "3.12\n"}, "3.13", "3.13", "BP_PYTHON_VERSION"),
        ({".python-version": "# a\n3.12.4 # b\n"}, "", "3.12.4", ".python-version"),
        ({"runtime.txt": "python-3.11.2\n"}, "", "3.11.2", "runtime.txt"),
        ({".tool-versions": "nodejs 20\npython 3.12.1 # x\n"}, "", "3.12.1", ".tool-versions"),
        ({".tool-versions": "nodejs 20\n"}, "", "", ""),
        (
            {"pyproject.toml": PROJECT + 'requires-python = ">=3.10"\n'},
            "",
            ">=3.10",
            "requires-python in pyproject.toml",
        ),
        (
            {"pyproject.toml": POETRY.format("^3.11")},
            "",
            ">=3.11,<4",
            "tool.poetry.dependencies in pyproject.toml",
        ),
        (
            {"Pipfile": '[requires]\npython_version = "3.11"\n'},
            "",
            "3.11",
            "python_version in Pipfile",
        ),
    ],
)
def test_the_version_is_where_people_write_it(
    tmp_path: Path, files: dict[str, str], setting: str, wanted: str, source: str
) -> None:
    found = VersionRequest.read(context(tmp_path, files), setting)
    assert (found.wanted, found.source) == (wanted, source)


@pytest.mark.parametrize(
    ("constraint", "inside", "outside"),
    [
        ("^3.11", "3.13.1", "4.0"),
        ("~3.11", "3.11.9", "3.12.0"),
        ("~3.11.2", "3.11.9", "3.11.1"),
        ("3.11.*", "3.11.0", "3.12.0"),
        (">=3.10,<3.13", "3.12.9", "3.13.0"),
        ("^3.9 || ^3.12", "3.12.1", "3.11.1"),
    ],
)
def test_constraints_of_poetry_mean_what_they_mean_to_poetry(
    tmp_path: Path, constraint: str, inside: str, outside: str
) -> None:
    files = {"pyproject.toml": POETRY.format(constraint)}
    found = VersionRequest.read(context(tmp_path, files))
    assert found.satisfied_by(inside)
    assert not found.satisfied_by(outside)


@given(text=st.text(max_size=20))
def test_any_version_text_is_understood_or_refused_with_the_file_it_stands_in(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    app = tmp_path_factory.mktemp("app")
    (app / ".python-version").write_text(text, encoding="utf-8", errors="replace", newline="")
    found: VersionRequest | UserFault
    try:
        found = VersionRequest.read(context(app, {}))
    except UserFault as fault:
        found = fault
    if isinstance(found, UserFault):
        assert found.where == ".python-version"
    elif not found.wanted.replace(".", "").isdigit():
        assert SpecifierSet(found.wanted).contains("3.11.2") is found.satisfied_by("3.11.2")
