"""Packages that do not fit a Python are known by their lock's wheels, or by their versions."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from cnbkit_engine.build.base_choice import choose_base
from cnbkit_engine.build.unfit_package import first_wheels, unfit_package

if TYPE_CHECKING:
    from pathlib import Path

DISTROS = 'targets = [{{ os = "linux", distros = [{}, {}] }}]\n'
TWELVE, THIRTEEN = ('{ name = "debian", version = "12" }', '{ name = "debian", version = "13" }')
NEWEST_FIRST, OLDEST_FIRST = DISTROS.format(THIRTEEN, TWELVE), DISTROS.format(TWELVE, THIRTEEN)
OLD = "numpy-1.24.4-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
NEW = "numpy-2.2.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"


def put(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def asked(app: Path, **env: str) -> str:
    found = unfit_package(app, env, "3.13", "3.11")
    return str(found) if found else ""


@pytest.mark.parametrize(
    ("line", "old"),
    [
        ("numpy==1.24.4", True),
        ("numpy == 1.24.4  # as the model was trained", True),
        ("numpy==1.24.4 ; python_version >= '3.9'", True),
        ("numpy==1.24.4 --hash=sha256:abc", True),
        ("numpy==1.24.4 \\", True),
        ("numpy[extra]==1.26.*", True),
        ("NumPy<2", True),
        ("numpy<2.1", True),
        ("numpy>=1.20,<=2.0.9", True),
        ("numpy~=1.26.0", True),
        ("numpy~=2.0.0", True),
        ("torch==2.1.0+cpu", True),
        ("scikit_learn==1.3", True),
        ("pydub", True),
        ("numpy", False),
        ("numpy==2.1.0", False),
        ("numpy==2.*", False),
        ("numpy<2.2", False),
        ("numpy<=2.1", False),
        ("numpy~=2.0", False),
        ("numpy>=1.24", False),
        ("numpy!=1.24.4", False),
        ("flask==1.0", False),
        # Of other Pythons and systems.
        ("numpy==1.24.4; python_version < '3.12'", False),
        ("numpy==1.24.4; sys_platform == 'win32'", False),
        ("numpy==1.24.4; python_version < '3.9' or extra == 'x'", False),
        ("--index-url https://h/numpy==1.24.4", False),
        ("# numpy==1.24.4", False),
        ("numpy @ https://h/numpy-1.24.4.tar.gz", False),
        ("", False),
    ],
)
def test_a_requirement_without_wheels_for_the_newest_python_is_known(
    tmp_path: Path, line: str, old: bool
) -> None:
    put(tmp_path, {"requirements.txt": f"flask\n{line}\n"})
    assert bool(asked(tmp_path)) is old


def test_each_version_of_the_list_is_judged_as_packaging_compares() -> None:
    bounds = {name: Version(first) for name, first in first_wheels().items() if first}
    assert len(bounds) > 50
    from cnbkit_engine.build import unfit_package

    for name, first in bounds.items():
        for text in (str(first), "0.0.1", "99999", f"{first.major}.{first.minor}"):
            exact = next(iter(Requirement(f"{name}=={text}").specifier))
            assert unfit_package._too_old(name, str(exact)) is (Version(text) < first)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"requirements.txt": "numpy==1.24.4\n"}, "numpy==1.24.4 in requirements.txt"),
        (
            {"requirements.txt": "-r more/prod.txt\n", "more/prod.txt": "-r own.txt\n"}
            | {"more/own.txt": "pandas<2\n"},
            "pandas<2 in more/own.txt",
        ),
        ({"requirements.txt": "-r requirements.txt\n"}, ""),
        ({"requirements.in": "numpy<2\n"}, "numpy<2 in requirements.in"),
        (
            {"pyproject.toml": '[project]\nname = "a"\ndependencies = ["torch==2.1"]\n'},
            "torch==2.1 in pyproject.toml",
        ),
        ({"pyproject.toml": "[project\n"}, ""),
        (
            {"Pipfile.lock": json.dumps({"default": {"numpy": {"version": "==1.24.4"}}})},
            "numpy==1.24.4 in Pipfile.lock",
        ),
        ({"Pipfile.lock": "{"}, ""),
        ({"poetry.lock": f'files = [{{file = "{OLD}"}}]\n'}, "numpy==1.24.4 in poetry.lock"),
        ({"uv.lock": f'wheels = [{{ url = "https://h/x/{OLD}" }}]\n'}, "numpy==1.24.4 in uv.lock"),
        ({"pdm.lock": f'files = [{{file = "{OLD}"}}]\n'}, "numpy==1.24.4 in pdm.lock"),
        ({"pylock.toml": f'wheels = [{{name = "{OLD}"}}]\n'}, "numpy==1.24.4 in pylock.toml"),
        # A lock for both has both.
        ({"uv.lock": f'url = "https://h/{OLD}"\nurl = "https://h/{NEW}"\n'}, ""),
        # What an unread file says does not count.
        ({"poetry.lock": f'file = "{NEW}"\n', "requirements.txt": "numpy==1.24.4\n"}, ""),
        ({}, ""),
    ],
)
def test_the_file_that_counts_is_read(tmp_path: Path, files: dict[str, str], said: str) -> None:
    assert asked(put(tmp_path, files)) == said


def test_the_settings_that_choose_files_are_heeded(tmp_path: Path) -> None:
    files = {"api/requirements.txt": "flask\n", "api/gpu.txt": "torch<2\n"}
    put(tmp_path, files | {"requirements.txt": "numpy<2\n"})
    assert asked(tmp_path, BP_PYTHON_FOLDER="api") == ""
    assert asked(tmp_path, BP_PYTHON_FOLDER="api", BP_PYTHON_INPUT="requirements.txt, gpu.txt") == (
        "torch<2 in gpu.txt"
    )


@pytest.mark.parametrize(
    "wheel",
    [
        OLD,
        NEW,
        "a-1-py3-none-any.whl",
        "a-1-py2.py3-none-any.whl",
        "a-1-cp38-abi3-manylinux_2_17_x86_64.whl",
        "a-1-cp312-abi3-manylinux_2_17_x86_64.whl",
        "a-1-py3-none-manylinux_2_17_x86_64.whl",
        "a-1-2-cp311-cp311-manylinux_2_17_x86_64.whl",
        "a-1-cp313-cp313t-manylinux_2_17_x86_64.whl",
        "a-1-cp311-none-manylinux_2_17_x86_64.whl",
        "a-1-cp311-cp311-win_amd64.whl",
        "a_b.c-1.0.post1-cp311-cp311-manylinux_2_17_x86_64.whl",
    ],
)
def test_wheels_are_for_the_pythons_that_packaging_says(tmp_path: Path, wheel: str) -> None:
    platforms = ["manylinux_2_17_x86_64", "manylinux2014_x86_64"]
    runs = {}
    for minor in (11, 13):
        tags = {*cpython_tags((3, minor), platforms=platforms)}
        tags |= {*compatible_tags((3, minor), f"cp3{minor}", platforms)}
        runs[minor] = not tags.isdisjoint(parse_wheel_filename(wheel)[3])
    put(tmp_path, {"uv.lock": f'url = "https://h/{wheel}"\n'})
    assert bool(asked(tmp_path)) is (runs[11] and not runs[13])


@pytest.mark.parametrize(
    ("files", "env", "chosen", "reason"),
    [
        (
            {"requirements.txt": "numpy==1.24.4\n"},
            {},
            "bookworm",
            "for numpy==1.24.4 in requirements.txt, which is not made for Python 3.13",
        ),
        ({"requirements.txt": "numpy==2.4.6\n"}, {}, "trixie", ""),
        # What the app says of its Python goes before what its packages tell.
        ({"requirements.txt": "numpy<2\n", ".python-version": "3.13"}, {}, "trixie", ""),
        ({"requirements.txt": "numpy<2\n", ".python-version": "3.12"}, {}, "trixie", ""),
        ({"requirements.txt": "numpy<2\n"}, {"BP_PYTHON_STANDALONE": "true"}, "trixie", ""),
        (
            {"poetry.lock": f'"{OLD}"', "pyproject.toml": '[project]\nrequires-python = ">=3.9"\n'},
            {},
            "bookworm",
            "for numpy==1.24.4 in poetry.lock",
        ),
    ],
)
def test_an_app_with_old_packages_gets_the_older_base(
    tmp_path: Path, files: dict[str, str], env: dict[str, str], chosen: str, reason: str
) -> None:
    put(tmp_path, {**files, "builder.toml": NEWEST_FIRST})
    choice = choose_base("", tmp_path, env, tmp_path / "builder.toml")
    assert choice.suite.name == chosen
    assert choice.reason.startswith(reason)
    assert bool(choice.reason) == bool(reason) or choice.reason == "which builder.toml is for"


def test_what_only_a_newer_python_needs_asks_for_none(tmp_path: Path) -> None:
    wheel = "audioop_lts-0.2.1-cp313-abi3-manylinux_2_17_x86_64.whl"
    put(tmp_path, {"uv.lock": f'url = "https://h/{wheel}"\n', "builder.toml": OLDEST_FIRST})
    assert choose_base("", tmp_path, {}, tmp_path / "builder.toml").suite.name == "bookworm"


def test_the_list_is_read_only_for_requirements() -> None:
    code = "import sys, cnbkit_engine.build.unfit_package; print('tomllib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
