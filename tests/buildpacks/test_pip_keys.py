"""What the layers' key follows: every local path that a requirement or a project names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit import BuildContext, UserFault
from cnbkit.log import Log
from cnbkit_python_inputs.project import Project
from cnbkit_python_inputs.requirements import Requirements

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PYPROJECT = '[project]\nname = "x"\nversion = "1"\n[build-system]\nrequires = ["setuptools"]\n'
LIBRARY = {"lib/pyproject.toml": PYPROJECT, "lib/x.py": "A = 1\n"}
SPACED = {"my lib/pyproject.toml": PYPROJECT, "my lib/x.py": ""}
WHEEL = "vendor/x-1-py3-none-any.whl"
APP = {"pyproject.toml": PYPROJECT, "x.py": "A = 1\n"}


def context(app: Path, **env: str) -> BuildContext:
    return BuildContext(
        app=str(app),
        env=env,
        buildpack="",
        platform="",
        layers=str(app.parent / "layers"),
        plan="",
        log=Log(),
    )


def write(app: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text(text)


def key(app: Path, **env: str) -> list[str]:
    return Requirements.read(context(app, **env), ["requirements.txt"]).digests()


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "layers").mkdir()
    return tmp_path / "app"


@pytest.mark.parametrize(
    ("text", "files", "changed"),
    [
        ("-e lib\n", LIBRARY, "lib/pyproject.toml"),
        ("-e ./lib[extra]\n", LIBRARY, "lib/pyproject.toml"),
        ("--editable=lib\n", LIBRARY, "lib/pyproject.toml"),
        ("./lib\n", LIBRARY, "lib/x.py"),
        ("src/lib\n", {f"src/{name}": text for name, text in LIBRARY.items()}, "src/lib/x.py"),
        ("x @ file://{app}/lib\n", LIBRARY, "lib/x.py"),
        ("x @ file:///{app}/my%20lib\n", SPACED, "my lib/x.py"),
        ("${PROJECT_ROOT}/lib\n", LIBRARY, "lib/x.py"),
        ("./${WHERE}\n", LIBRARY, "lib/x.py"),
        (f"{WHEEL}\n", {WHEEL: "1"}, WHEEL),
        ("x-1.tar.gz ; python_version > '3'\n", {"x-1.tar.gz": "1"}, "x-1.tar.gz"),
        ("-f vendor\nx\n", {WHEEL: "1"}, WHEEL),
        ("-r a.txt\n", {"a.txt": "-c b.txt\n", "b.txt": "six<2\n"}, "b.txt"),
        ("-r a.txt\n", {"a.txt": "./lib\n", **LIBRARY}, "lib/x.py"),
        ("-r d/a.txt\n", {"d/a.txt": "--find-links wheels\nx\n", "d/wheels/x": "1"}, "d/wheels/x"),
        # What a local project itself takes from elsewhere in the app.
        (
            "-e lib\n",
            {
                "lib/pyproject.toml": f'{PYPROJECT}[tool.uv.sources]\ny = {{ path = "../y" }}\n',
                "y/pyproject.toml": PYPROJECT,
                "y/y.py": "",
            },
            "y/y.py",
        ),
        (
            "-e .\n",
            {
                "pyproject.toml": f'{PYPROJECT}[tool.setuptools.dynamic]\n'
                'dependencies = {file = ["deps.lst"]}\n',
                "deps.lst": "six\n",
            },
            "deps.lst",
        ),
        ("-e .\n", {"setup.py": 'open("version.txt")\n', "version.txt": "1\n"}, "version.txt"),
    ],
)  # fmt: skip
def test_a_change_of_what_is_installed_changes_the_key(
    app: Path, text: str, files: Mapping[str, str], changed: str
) -> None:
    write(app, {"requirements.txt": text.replace("{app}", str(app)), **files})
    before = key(app, WHERE="lib")
    write(app, {changed: files[changed] + "changed = 1\n"})
    assert key(app, WHERE="lib") != before


@pytest.mark.parametrize(
    ("text", "files", "changed"),
    [
        ("-e .\n", APP, "x.py"),
        # It is installed in place as well, unless BP_PYTHON_PROJECT says otherwise.
        (".\n", APP, "x.py"),
        ("-e lib\n", LIBRARY, "lib/x.py"),
        # A name is not a folder, though there is one.
        ("lib\n", LIBRARY, "lib/x.py"),
        ("six\n", {"requirements.txt": "six # why\n"}, "requirements.txt"),
    ],
)
def test_a_change_of_code_that_stays_in_the_app_leaves_the_key(
    app: Path, text: str, files: Mapping[str, str], changed: str
) -> None:
    write(app, {"requirements.txt": text, **files})
    before = key(app)
    write(app, {changed: files[changed] + "# changed\n"})
    assert key(app) == before


def test_a_project_follows_the_folders_its_sources_name(app: Path) -> None:
    source = f'{PYPROJECT}[tool.uv.sources]\ny = {{ path = "libs/y" }}\n'
    write(app, {"pyproject.toml": source, "libs/y/pyproject.toml": PYPROJECT, "libs/y/y.py": ""})
    before = Project.read(context(app), "pyproject.toml", (), ()).digests()
    write(app, {"libs/y/y.py": "A = 1\n"})
    assert Project.read(context(app), "pyproject.toml", (), ()).digests() != before


def test_a_library_outside_the_app_is_named_with_what_to_build_instead(app: Path) -> None:
    write(app, {"requirements.txt": "six\n-e ../../libs/shared\n"})
    with pytest.raises(UserFault, match=r"\.\./\.\./libs/shared is outside the app") as caught:
        key(app)
    assert caught.value.where == "requirements.txt:2"
    assert "BP_PYTHON_FOLDER" in str(caught.value)
