"""The python buildpack's choices; real interpreters are in tests/e2e."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, reject
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from poetry.core.constraints.version import Version, parse_constraint
from poetry.core.constraints.version.exceptions import ParseConstraintError

from cnbkit import BuildContext, UserFault
from cnbkit.log import Log
from cnbkit_misspelt import MISSPELT
from cnbkit_python import constraint
from cnbkit_python.input import LOCKS, Input
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


EXPORTED = """lock-version = "1.0"
created-by = "{by}"
[[packages]]
name = "six"
version = "{version}"
[[packages]]
name = "x"
directory = {{ path = "." }}
"""


def test_what_uv_exported_of_its_lock_does_not_contradict_it(tmp_path: Path) -> None:
    lock = 'version = 1\n[[package]]\nname = "six"\nversion = "1.16.0"\n'

    def chosen(by: str, version: str) -> Input:
        exported = EXPORTED.format(by=by, version=version)
        files = {"pyproject.toml": PROJECT, "uv.lock": lock, "pylock.toml": exported}
        return Input.choose(context(tmp_path, files))

    found = chosen("uv", "1.16.0")
    assert found.names == ["uv.lock"]
    assert "pylock.toml not read" in found.reason
    for by, version in (("uv", "1.17.0"), ("pdm", "1.16.0")):
        with pytest.raises(UserFault, match="more than one lock file"):
            chosen(by, version)


@pytest.mark.parametrize("place", ["uv.lock", "pylock.toml"])
@pytest.mark.parametrize(
    "broken",
    [
        "not = [toml",
        f"x = {'[' * 20_000}",
        "created-by = 'uv'\npackage = 1\npackages = 1",
        "created-by = 'uv'\npackage = [1]\npackages = [1]",
        (
            "created-by = 'uv'\n"
            "package = [{name = [1], version = {}}]\npackages = [{name = [1], version = {}}]\n"
        ),
        "\0",
    ],
)
def test_a_lock_that_is_none_is_no_export(tmp_path: Path, place: str, broken: str) -> None:
    exported = EXPORTED.format(by="uv", version="1.16.0")
    files = {"uv.lock": "version = 1\n", "pylock.toml": exported, place: broken}
    with pytest.raises(UserFault, match="more than one lock file"):
        Input.choose(context(tmp_path, files))


def test_a_named_pylock_is_asked_about_and_taken_if_it_is_named(tmp_path: Path) -> None:
    files = {"pylock.prod.toml": "", "app.py": ""}
    with pytest.raises(UserFault) as caught:
        Input.choose(context(tmp_path, files))
    assert caught.value.where == "pylock.prod.toml"
    assert caught.value.remedy is not None
    assert "BP_PYTHON_INPUT=pylock.prod.toml" in caught.value.remedy
    assert Input.choose(context(tmp_path, files), "pylock.prod.toml").names == ["pylock.prod.toml"]
    beside = {**files, "requirements.txt": ""}
    assert Input.choose(context(tmp_path, beside)).names == ["requirements.txt"]


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


@pytest.mark.parametrize("name", MISSPELT)
def test_a_misspelt_file_is_explained(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserFault, match=f"but a {name}"):
        Input.choose(context(tmp_path, {name: "six\n"}))


POETRY = '[tool.poetry.dependencies]\npython = "{}"\n'
# Poetry 2's way to say the same.
STANDARD = '[project]\nrequires-python = "{}"\n[tool.poetry]\npackage-mode = false\n'


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


_NUMBERS = st.sampled_from(["3", "3.9", "3.11", "3.11.2", "3.12", "4", "4.0", "2.7"])
_CLAUSES = st.one_of(
    st.builds("{}{}".format, st.sampled_from(["^", "~", ">=", "<", ">", "<=", "!=", ""]), _NUMBERS),
    st.builds("{} {}".format, st.sampled_from([">=", "<", "~", "^"]), _NUMBERS),
    st.builds(
        "{}{}.*".format,
        st.sampled_from(["", "==", "!="]),
        _NUMBERS.filter(lambda n: n.count(".") < 2),
    ),
    st.builds("~={}".format, _NUMBERS.filter(lambda n: "." in n)),
    st.just("*"),
)
_AND = st.builds(
    str.join, st.sampled_from([",", ", ", " "]), st.lists(_CLAUSES, min_size=1, max_size=2)
)
_CONSTRAINTS = st.builds(
    str.join, st.sampled_from([" || ", "||", " | "]), st.lists(_AND, min_size=1, max_size=3)
)
_VERSIONS = ["3.8.18", "3.9.0", "3.9.19", "3.11.0", "3.11.2", "3.12.4", "3.13.0", "4.0.0", "4.1.2"]


@pytest.mark.parametrize("project", [POETRY, STANDARD])
@given(text=_CONSTRAINTS)
@example("^3.9 || ^3.12")
@example(">= 3.9, < 4")
@example("^3.14")
@example("3.12.*")
@example("3.11")
def test_constraints_mean_what_they_mean_to_poetry(
    tmp_path_factory: pytest.TempPathFactory, project: str, text: str
) -> None:
    try:
        oracle = parse_constraint(text)
    except ParseConstraintError:
        reject()
    app = tmp_path_factory.mktemp("app")
    found = VersionRequest.read(context(app, {"pyproject.toml": project.format(text)}))
    for version in _VERSIONS:
        assert found.satisfied_by(version) is oracle.allows(Version.parse(version)), version


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
        assert str(found.where).startswith(".python-version")
    elif not found.wanted.replace(".", "").isdigit():
        assert SpecifierSet(found.wanted).contains("3.11.2") is found.satisfied_by("3.11.2")


@pytest.mark.parametrize(
    ("file", "text", "wanted"),
    [
        (".python-version", "3.12", "3.12"),
        (".python-version", "\ufeff3.12\r\n", "3.12"),
        (".python-version", "\n# which\n\n3.12.4  # why\n", "3.12.4"),
        (".python-version", "3.11.x\n", "3.11"),
        (".python-version", "3.11.*\n", "3.11"),
        (".python-version", "python-3.11\n", "3.11"),
        (".python-version", "python3.11\n", "3.11"),
        (".python-version", "Python 3.11.4\n", "3.11.4"),
        (".python-version", "cpython-3.12\n", "3.12"),
        (".python-version", "cpython@3.12.1\n", "3.12.1"),
        (".python-version", "cpython-3.12.4-linux-x86_64-gnu\n", "3.12.4"),
        (".python-version", "3.12-dev\n", "3.12"),
        (".python-version", "v3.12.4\n", "3.12.4"),
        (".python-version", '"3.12"\n', "3.12"),
        (".python-version", ">=3.11,<3.13\n", ">=3.11,<3.13"),
        (".python-version", ">=3.11,!=3.12.*\n", ">=3.11,!=3.12.*"),
        (".python-version", "3.15.0rc1\n", "==3.15.0rc1"),
        (".python-version", "", ""),
        (".python-version", "\n# nothing\n", ""),
        (".python-version", "system\n", ""),
        ("runtime.txt", "python-3.12.4\r\n", "3.12.4"),
        ("runtime.txt", "python-3.12\n", "3.12"),
        (".tool-versions", "nodejs 20\npython 3.12.1 3.11.2\n", "3.12.1"),
        (".tool-versions", "python system\n", ""),
        (".tool-versions", "python latest:3.12\n", "3.12"),
        ("mise.toml", '[tools]\npython = "3.12"\n', "3.12"),
        ("mise.toml", '[tools]\npython = ["3.12.1", "3.11"]\n', "3.12.1"),
        ("mise.toml", '[tools]\npython = {version = "prefix:3.12"}\n', "3.12"),
        ("mise.toml", 'tools.python = "latest"\n', ""),
        (".mise.toml", '[tools]\n"python" = "3.12"\n', "3.12"),
        (".config/mise.toml", '[tools]\npython = "3.12"\n', "3.12"),
        ("mise.toml", '[tools]\nnode = "20"\n', ""),
    ],
)
def test_every_spelling_of_a_version_is_understood(
    tmp_path: Path, file: str, text: str, wanted: str
) -> None:
    found = VersionRequest.read(context(tmp_path, {file: text}))
    assert found.wanted == wanted
    assert found.source == (file if wanted else "")


@pytest.mark.parametrize(
    ("file", "text", "line", "what"),
    [
        (".python-version", "\npypy3.10\n", 2, "PyPy"),
        (".python-version", "miniconda3-latest\n", 1, "conda's Python"),
        (".python-version", "3.13t\n", 1, "free-threaded"),
        (".python-version", "cpython-3.14+freethreaded\n", 1, "free-threaded"),
        (".python-version", "my-environment\n", 1, "not a Python version"),
        ("runtime.txt", "# x\nruby-3.1\n", 2, "not a Python version"),
        (".tool-versions", "node 1\npython graalpy-24\n", 2, "GraalPy"),
        ("mise.toml", "[tools]\n\npython = 3.10\n", 3, "not a version in quotes"),
    ],
)
def test_what_is_no_cpython_is_refused_with_its_line(
    tmp_path: Path, file: str, text: str, line: int, what: str
) -> None:
    with pytest.raises(UserFault, match=what) as caught:
        VersionRequest.read(context(tmp_path, {file: text}))
    assert caught.value.where == f"{file}:{line}"
    assert caught.value.remedy is not None
    assert "write" in caught.value.remedy


def test_of_several_lines_the_first_is_taken_and_the_others_are_named(tmp_path: Path) -> None:
    found = VersionRequest.read(context(tmp_path, {".python-version": "3.12\n3.11\n3.10\n"}))
    assert found.wanted == "3.12"
    assert found.notes == [".python-version: 3.12 is taken, 3.11, 3.10 not"]


def test_what_contradicts_the_chosen_python_is_named_with_the_one_that_won(tmp_path: Path) -> None:
    files = {
        ".python-version": "3.12\n",
        "runtime.txt": "python-3.10.4\n",
        ".tool-versions": "python 3.12.4\n",
        "pyproject.toml": PROJECT + 'requires-python = ">=3.13"\n',
    }
    found = VersionRequest.read(context(tmp_path, files))
    assert found.contradicted_by("3.12.4") == [
        "runtime.txt says 3.10.4, but the image has Python 3.12.4, because of .python-version",
        (
            "requires-python in pyproject.toml says >=3.13, but the image has Python 3.12.4, "
            "because of .python-version"
        ),
    ]


@pytest.mark.parametrize("file", [".tool-versions", "mise.toml"])
def test_a_tool_for_a_whole_machine_does_not_count_where_the_project_excludes_it(
    tmp_path: Path, file: str
) -> None:
    """uv and Poetry look for another Python then."""
    text = "python 3.12\n" if file == ".tool-versions" else '[tools]\npython = "3.12"\n'
    files = {file: text, "pyproject.toml": f'{PROJECT}requires-python = ">=3.13,<3.14"\n'}
    found = VersionRequest.read(context(tmp_path, files))
    assert found.wanted == ">=3.13,<3.14"
    assert found.contradicted_by("3.13.5") == [
        f"{file} says 3.12, but the image has Python 3.13.5, because of {found.source}"
    ]
    within = context(tmp_path, {"pyproject.toml": f'{PROJECT}requires-python = ">=3.11"\n'})
    assert VersionRequest.read(within).wanted == "3.12"


@pytest.mark.parametrize(
    ("wanted", "base", "expected"),
    [
        ("3.12", "3.11.2", "3.12"),
        ("^3.14", "3.11.2", "3.14"),
        ("^3.14", "3.15.1", "3.15"),
        (">=3.9,<4", "", "3.14"),
        (">=3.15", "3.11.2", "3.15"),
        ("<3.12,>=3.9", "3.13.0", "3.11"),
        (">=3.12.4,<3.13", "3.11.2", ">=3.12.4,<3.13,==3.12.*"),
        ("==3.12.4", "3.11.2", "3.12.4"),
        ("^3.9 || ~3.12", "3.8.1", "3.14"),
        ("==3.15.0rc1", "3.11.2", "3.15.0rc1"),
        (">=3.12,<3.12", "3.11.2", ""),
        (">=4", "3.11.2", ""),
    ],
)
def test_of_a_range_one_minor_version_is_installed_the_newest_packages_are_ready_for(
    wanted: str, base: str, expected: str
) -> None:
    assert constraint.request(constraint.of_poetry(wanted) if "^" in wanted else wanted, base) == (
        expected
    )


@pytest.mark.parametrize(
    "text",
    [
        "[project]  # of the app\nname = 'x'\n",
        " [ project ]\nname = 'x'\n",
        '["project"]\nname = "x"\n',
        'project.name = "x"\nproject.version = "1"\n',
        'project = {name = "x", version = "1"}\n',
        '"pro\\u006aect".name = "x"\n',
        "[project.scripts]\na = 'b:c'\n[project]\nname = 'x'\n",
    ],
)
def test_a_project_is_found_however_toml_spells_it(tmp_path: Path, text: str) -> None:
    assert Input.choose(context(tmp_path, {"pyproject.toml": text})).names == ["pyproject.toml"]


@pytest.mark.parametrize(
    "text",
    [
        'text = """\n[project]\n"""\n',
        "# [project]\n[tool.ruff]\n",
        "[tool.project]\nname = 'x'\n",
        "[build-system]\nrequires = []\n",
    ],
)
def test_words_that_only_look_like_a_project_declare_nothing(tmp_path: Path, text: str) -> None:
    assert Input.choose(context(tmp_path, {"pyproject.toml": text})).names == []


def test_a_build_system_declares_with_what_it_builds(tmp_path: Path) -> None:
    files = {"pyproject.toml": "[build-system]\nrequires = []\n", "setup.cfg": "[metadata]\n"}
    assert Input.choose(context(tmp_path, files)).names == ["pyproject.toml"]


@pytest.mark.parametrize(
    "text",
    [
        "[tool.poetry]  # x\nname = 'x'\n[tool.poetry.dependencies]\nsix = '*'\n",
        (
            "[tool.poetry]\npackage-mode = false\n[tool.poetry.dependencies]\nsix = '*'\n"
            "[build-system]\nrequires = ['poetry-core']\n"
        ),
        'tool.poetry.name = "x"\ntool.poetry.dependencies.six = "*"\n',
        '[tool]\npoetry = {name = "x", dependencies = {six = "*"}}\n',
        '[tool."poetry".dependencies]\nsix = "*"\n',
        (
            '[project]\nname = "x"\ndynamic = ["dependencies"]\n'
            '[tool.poetry.dependencies]\nsix = "*"\n'
        ),
        '[project]\nname = "x"\ndependencies = ["six"]\n[[tool.poetry.source]]\nname = "own"\n',
        (
            '[project]\nname = "x"\ndependencies = ["six"]\n[tool.poetry.dependencies]\n'
            'six = {source = "own"}\n'
        ),
        '[project]\ndependencies = ["six"]\n[tool.poetry]\npackage-mode = false\n',
    ],
)
@pytest.mark.parametrize("setting", ["", "pyproject.toml"])
def test_what_only_poetry_can_resolve_ends_the_build_with_poetry_lock(
    tmp_path: Path, text: str, setting: str
) -> None:
    with pytest.raises(UserFault, match=r"for Poetry, and there is no poetry\.lock") as caught:
        Input.choose(context(tmp_path, {"pyproject.toml": text}), setting)
    assert str(caught.value.where).startswith("pyproject.toml:")
    assert caught.value.remedy == "run `poetry lock` and commit poetry.lock"


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": PROJECT + "[tool.poetry]\npackages = [{include = 'x'}]\n"},
        {"pyproject.toml": "[tool.poetry.dependencies]\nsix = '*'\n", "requirements.txt": ""},
        {"pyproject.toml": "[tool.poetry.dependencies]\nsix = '*'\n", "poetry.lock": ""},
    ],
)
def test_a_project_that_others_can_resolve_is_no_affair_of_poetry(
    tmp_path: Path, files: dict[str, str]
) -> None:
    assert len(Input.choose(context(tmp_path, files)).names) == 1


def test_a_project_that_is_not_toml_is_an_error_only_where_it_is_the_input(tmp_path: Path) -> None:
    files = {"pyproject.toml": "[project\n"}
    with pytest.raises(UserFault, match="not TOML"):
        Input.choose(context(tmp_path, files))
    app = context(tmp_path, {"requirements.txt": ""})
    assert Input.choose(app).names == ["requirements.txt"]
    assert VersionRequest.read(app, "", ["requirements.txt"]).wanted == ""
    with pytest.raises(UserFault, match="not TOML"):
        VersionRequest.read(app, "", ["poetry.lock"])


UV_LOCK = (
    'version = 1\nrevision = 5\nrequires-python = "{}"\nresolution-markers = [\n    "a",\n]\n\n'
)
UV_LOCK += '[[package]]\nname = "x"\nversion = "1"\nsource = {{ virtual = "." }}\n'


@pytest.mark.parametrize(
    ("files", "wanted", "source"),
    [
        ({"uv.lock": UV_LOCK.format(">=3.12, <3.14")}, ">=3.12, <3.14", "uv.lock"),
        # As uv writes where no project says which: it fits no other minor version.
        ({"uv.lock": UV_LOCK.format(">=3.12"), "pyproject.toml": PROJECT}, "==3.12.*", "uv.lock"),
        (
            {
                "uv.lock": UV_LOCK.format(">=3.12"),
                "pyproject.toml": PROJECT + 'requires-python = ">=3.12"\n',
            },
            ">=3.12",
            "requires-python in pyproject.toml",
        ),
        (
            {
                "pylock.toml": 'lock-version = "1.0"\nrequires-python = ">=3.12"\n[[packages]]\n',
                "pyproject.toml": PROJECT + 'requires-python = ">=3.9"\n',
            },
            ">=3.9,>=3.12",
            "requires-python in pyproject.toml and pylock.toml",
        ),
        (
            {
                "pylock.toml": 'lock-version = "1.0"\nrequires-python = "==3.12.*"\n',
                "pyproject.toml": PROJECT + 'requires-python = ">=3.13"\n',
            },
            "==3.12.*",
            "pylock.toml",
        ),
        (
            {"poetry.lock": '[[package]]\n\n[metadata]\npython-versions = "^3.12"\n'},
            ">=3.12,<4",
            "poetry.lock",
        ),
        (
            {
                "pdm.lock": '[metadata]\nlock_version = "4.5.0"\n[[metadata.targets]]\n'
                'requires_python = "==3.12.*"\n[[metadata.targets]]\nrequires_python = "==3.13.*"\n'
            },
            "==3.12.* || ==3.13.*",
            "pdm.lock",
        ),
        (
            {"Pipfile.lock": '{"_meta": {"requires": {"python_version": "3.12"}}}', "Pipfile": ""},
            "3.12",
            "Pipfile.lock",
        ),
        (
            {"Pipfile.lock": '{"_meta": {"requires": {"python_full_version": "3.12.4"}}}'},
            "3.12.4",
            "Pipfile.lock",
        ),
        ({"uv.lock": "not = [toml"}, "", ""),
        ({"Pipfile.lock": "[]"}, "", ""),
        ({"poetry.lock": '[metadata]\npython-versions = "odd"\n'}, "", ""),
    ],
)
def test_a_locks_own_range_of_pythons_counts(
    tmp_path: Path, files: dict[str, str], wanted: str, source: str
) -> None:
    [lock] = [name for name in files if name in LOCKS]
    found = VersionRequest.read(context(tmp_path, files), "", [lock])
    assert (found.wanted, found.source) == (wanted, source)


def test_a_workspace_member_that_says_which_python_leaves_the_choice_open(tmp_path: Path) -> None:
    lock = UV_LOCK.format(">=3.12") + (
        '[[package]]\nname = "y"\nsource = { editable = "packages/y" }\n'
    )
    files = {
        "uv.lock": lock,
        "pyproject.toml": "[tool.uv.workspace]\nmembers = ['packages/*']\n",
        "packages/y/pyproject.toml": PROJECT + 'requires-python = ">=3.12"\n',
    }
    assert VersionRequest.read(context(tmp_path, files), "", ["uv.lock"]).wanted == ">=3.12"
