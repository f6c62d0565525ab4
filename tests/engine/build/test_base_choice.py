"""An app gets the base whose Python it asks for, and the builder and the person are asked first."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cnbkit import BuildContext, UserFault
from cnbkit.log import Log
from cnbkit_engine.base.suites import (
    DEFAULT,
    SUITES,
    suite_named,
    suite_of_config,
    suite_of_run_image,
)
from cnbkit_engine.build.asked_python import asked_python
from cnbkit_engine.build.base_choice import choose_base
from cnbkit_engine.builder.reference import reference_builder
from cnbkit_python.request import VersionRequest

OTHER = next(suite for suite in SUITES.values() if suite is not DEFAULT)
ONE, TWO, FULL = DEFAULT.python, OTHER.python, OTHER.full_python
PYTHONS = [suite.full_python for suite in SUITES.values()]
FOR = "targets = [{{ os = 'linux', arch = 'amd64', distros = [{}] }}]\n"
TRIXIE = '{ name = "debian", version = "13" }'
BOOKWORM = '{ name = "debian", version = "12" }'


def put(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def builder(tmp_path: Path) -> Path:
    return put(tmp_path / "builder", {"builder.toml": ""}) / "builder.toml"


@pytest.mark.parametrize(
    ("files", "env", "chosen", "reason"),
    [
        ({}, {}, DEFAULT.name, ""),
        ({".python-version": f"{ONE}\n"}, {}, DEFAULT.name, ""),
        ({".python-version": f"{TWO}\n"}, {}, OTHER.name, f"for {TWO} from .python-version"),
        ({".python-version": f"# ours\n{FULL}\n"}, {}, OTHER.name, f"for {FULL} from .python-ver"),
        ({"runtime.txt": f"python-{TWO}\n"}, {}, OTHER.name, f"for {TWO} from runtime.txt"),
        ({".tool-versions": f"nodejs 20\npython {FULL}\n"}, {}, OTHER.name, f"for {FULL} from "),
        ({".python-version": ONE}, {"BP_PYTHON_VERSION": TWO}, OTHER.name, "BP_PYTHON_VERSION"),
        ({"pyproject.toml": 'requires-python = ">=3.10"\n'}, {}, DEFAULT.name, ""),
        (
            {"pyproject.toml": f'requires-python = ">=3.9,=={TWO}.*"\n'},
            {},
            OTHER.name,
            f"for >=3.9,=={TWO}.* from",
        ),
        (
            {
                "pyproject.toml": 'requires-python = ">=3.10"\n',
                "uv.lock": f'version = 1\nrequires-python = "!={ONE}.*"\n',
            },
            {},
            OTHER.name,
            "from requires-python in pyproject.toml and uv.lock",
        ),
        (
            {"pyproject.toml": f'[tool.poetry.dependencies]\nflask = "*"\npython = "~{TWO}"\n'},
            {},
            OTHER.name,
            "from tool.poetry.dependencies in pyproject.toml",
        ),
        (
            {"pyproject.toml": '[tool.poetry]\n[tool.poetry.dependencies]\npython = "^3.9"\n'},
            {},
            DEFAULT.name,
            "",
        ),
        ({"Pipfile": f'[requires]\npython_version = "{TWO}"\n'}, {}, OTHER.name, f"{TWO} from Pip"),
        # Neither has it, so a standalone one is installed, whatever the base.
        ({".python-version": "3.12\n"}, {}, DEFAULT.name, ""),
        ({".python-version": f"{TWO}.99\n"}, {}, DEFAULT.name, ""),
        ({".python-version": "3.13t\n"}, {}, DEFAULT.name, ""),
        ({".python-version": "pypy3.10\n"}, {}, DEFAULT.name, ""),
        ({".python-version": TWO}, {"BP_PYTHON_STANDALONE": "true"}, DEFAULT.name, ""),
        ({".python-version": "\xff\n"}, {}, DEFAULT.name, ""),
    ],
)
def test_the_base_is_the_one_whose_python_the_app_asks_for(
    tmp_path: Path,
    builder: Path,
    files: dict[str, str],
    env: dict[str, str],
    chosen: str,
    reason: str,
) -> None:
    choice = choose_base("", put(tmp_path / "app", files), env, builder)

    assert choice.suite.name == chosen
    assert reason in choice.reason
    assert bool(choice.reason) == bool(reason)


def test_a_project_in_a_folder_is_asked_there(tmp_path: Path, builder: Path) -> None:
    app = put(tmp_path / "app", {".python-version": ONE})
    put(app / "api", {".python-version": TWO})

    choice = choose_base("", app, {"BP_PYTHON_FOLDER": "api"}, builder)

    base = f"Base: Debian {OTHER.version} with Python {TWO}"
    assert str(choice) == f"{base}, for {TWO} from .python-version"


def test_what_is_named_counts_before_what_the_app_asks_for(tmp_path: Path, builder: Path) -> None:
    app = put(tmp_path / "app", {".python-version": "3.13"})

    assert choose_base("bookworm", app, {}, builder).suite.name == "bookworm"


@pytest.mark.parametrize(
    ("distros", "app", "chosen"),
    [
        (TRIXIE, {}, "trixie"),
        (TRIXIE, {".python-version": "3.11"}, "trixie"),
        (BOOKWORM, {".python-version": "3.13"}, "bookworm"),
        (f"{TRIXIE}, {BOOKWORM}", {}, "trixie"),
        (f"{TRIXIE}, {BOOKWORM}", {".python-version": "3.11"}, "bookworm"),
        (f"{BOOKWORM}, {TRIXIE}", {}, "bookworm"),
        (f"{BOOKWORM}, {TRIXIE}", {".python-version": "3.13"}, "trixie"),
        ("", {}, DEFAULT.name),
    ],
)
def test_a_builder_says_which_bases_it_is_for_and_the_first_is_its_own(
    tmp_path: Path, builder: Path, distros: str, app: dict[str, str], chosen: str
) -> None:
    builder.write_text(FOR.format(distros))

    assert choose_base("", put(tmp_path / "app", app), {}, builder).suite.name == chosen


def test_a_base_that_the_builder_is_not_for_is_refused(tmp_path: Path, builder: Path) -> None:
    builder.write_text(FOR.format(BOOKWORM))

    with pytest.raises(UserFault, match="not for Debian 13") as caught:
        choose_base("trixie", tmp_path, {}, builder)

    assert "choose bookworm" in str(caught.value.remedy)


def test_a_builder_for_another_system_has_no_base_here(tmp_path: Path, builder: Path) -> None:
    builder.write_text(FOR.format('{ name = "ubuntu", version = "24.04" }'))

    with pytest.raises(UserFault, match=r"there is no base for ubuntu 24\.04"):
        choose_base("", tmp_path, {}, builder)


def test_the_reference_builder_is_for_both(tmp_path: Path) -> None:
    for suite in SUITES.values():
        assert choose_base(suite.name, tmp_path, {}, reference_builder()).suite is suite


_NUMBER = st.sampled_from(["3", "3.8", "3.9", "3.10", "3.11", "3.11.2", "3.12", "3.13", "3.13.5"])
_CLAUSE = st.builds(
    "{}{}{}".format,
    st.sampled_from(["==", "!=", ">=", "<=", ">", "<", "~=", "^", "===", ""]),
    _NUMBER,
    st.sampled_from(["", "", ".*", ".x", "-dev", "rc1", "t"]),
)
_RANGE = st.lists(_CLAUSE, min_size=1, max_size=3).map(",".join)


@given(
    file=st.sampled_from(
        [".python-version", "runtime.txt", "pyproject.toml", "BP_PYTHON_VERSION", "poetry"]
    ),
    asked=_RANGE,
)
@example(file=".python-version", asked="3.1")
@example(file="pyproject.toml", asked="~=3.11")
@example(file="pyproject.toml", asked=" >= 3.12 , < 4")
@example(file="runtime.txt", asked="python-3.13.5")
@example(file="poetry", asked="^3.12")
@example(file="poetry", asked="~3.13.5")
@example(file="poetry", asked="~3.11,!=3.11.2")
@example(file="poetry", asked="3.13")
def test_what_is_understood_here_is_what_the_python_buildpack_understands(
    file: str, asked: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _agree(Path(folder), file, asked)


def _agree(app: Path, file: str, asked: str) -> None:
    setting = file.startswith("BP_")
    if file == "pyproject.toml":
        (app / file).write_text(f'[project]\nname = "x"\nrequires-python = "{asked}"\n')
    elif file == "poetry":
        (app / "pyproject.toml").write_text(
            f'[tool.poetry]\nname = "x"\n[tool.poetry.dependencies]\npython = "{asked}"\n'
        )
    elif not setting:
        (app / file).write_text(f"{asked}\n")
    env = {file: asked} if setting else {}
    here = asked_python(app, env)
    ctx = BuildContext(
        app=str(app), env=env, buildpack="", platform="", layers="", plan="", log=Log()
    )
    try:
        there = VersionRequest.read(ctx, asked if setting else "", [])
    except UserFault:
        return  # the build ends with that, whatever the base
    if here:
        for version in PYTHONS:
            assert here.satisfied_by(version) == there.satisfied_by(version), (asked, version)


@pytest.mark.parametrize(
    ("range_", "asked"), [(">=3.13,<3.14", ">=3.13,<3.14"), (">=3.11", "3.11"), ("===x", "3.11")]
)
def test_what_asdf_is_told_counts_unless_the_project_excludes_it(
    tmp_path: Path, range_: str, asked: str
) -> None:
    (tmp_path / ".tool-versions").write_text("python 3.11\n")
    (tmp_path / "pyproject.toml").write_text(f'[project]\nrequires-python = "{range_}"\n')
    found = asked_python(tmp_path, {})
    assert found is not None
    assert found.text == asked


def test_a_suite_is_known_by_its_name_its_images_and_their_labels() -> None:
    assert suite_named("") is DEFAULT
    assert suite_named("trixie").stack == "cnbkit.trixie"
    with pytest.raises(UserFault, match="no base sid"):
        suite_named("sid")
    assert suite_of_run_image("store.localhost:5/cnbkit/run:trixie-arm64") is SUITES["trixie"]
    assert suite_of_run_image("cnbkit/run-cuda:bookworm") is SUITES["bookworm"]
    assert suite_of_run_image("registry.example.com/team/run:trixie") is None
    labels = {"io.buildpacks.base.distro.name": "debian", "io.buildpacks.base.distro.version": "13"}
    assert suite_of_config({"config": {"Labels": labels}}) is SUITES["trixie"]
    assert suite_of_config({"config": {}}) is None


def test_what_is_written_elsewhere_of_the_bases_is_so() -> None:
    from cnbkit_engine.build.unfit_package import NEWEST
    from cnbkit_engine.cli.base import BASES
    from cnbkit_python import _BASES

    assert {suite.python: suite.name for suite in SUITES.values()} == _BASES
    assert max(SUITES.values(), key=lambda suite: int(suite.version)).python == NEWEST
    assert {*BASES} == {*SUITES}
