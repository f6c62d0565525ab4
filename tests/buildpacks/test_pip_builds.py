"""What packages are built with: what is installed, where they do not declare it; settings."""

from __future__ import annotations

import io
import tarfile
from email import message_from_string
from typing import TYPE_CHECKING

import pytest

from cnbkit import UserFault

from ..e2e.index import wheel, wheel_name
from .test_pip_resolution import ENGINES, INPUT, LAYER, buildpack, installed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cnbkit.testing import BuildpackRun, Result

__all__ = ["buildpack"]

SETUP = (
    "import other\n"
    "from setuptools import setup\n"
    "setup(name='kern', version='1.0', py_modules=['kern'], install_requires=['other'],\n"
    "      description='built with other ' + other.VERSION,\n"
    "      entry_points={'console_scripts': ['kern = kern:main']})\n"
)
FILES = {"setup.py": SETUP, "kern.py": "", "PKG-INFO": "Metadata-Version: 2.1\nName: kern\n"}


def source(files: Mapping[str, str], name: str = "kern-1.0") -> bytes:
    """A source distribution, of which nothing is known before it is run."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for file, text in files.items():
            member = tarfile.TarInfo(f"{name}/{file}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return data.getvalue()


APP: Mapping[str, str | bytes] = {
    "requirements.txt": "--find-links vendor\nkern\nother==1.0\n",
    "vendor/kern-1.0.tar.gz": source(FILES),
    **{f"vendor/{wheel_name('other', each)}": wheel("other", each) for each in ("1.0", "2.0")},
}
_UV = "[tool.uv]\n{}\n"
_METADATA = (
    '[[tool.uv.dependency-metadata]]\nname = "kern"\nversion = "1.0"\nrequires-dist = ["other"]\n'
)


def summary(result: Result) -> str:
    """What the built package says of itself."""
    assert installed(result) == {"kern": "1.0", "other": "1.0"}
    [path] = result.layers_dir.glob(f"{LAYER}/kern-1.0.dist-info/METADATA")
    return str(message_from_string(path.read_text())["Summary"])


# `make test` takes one.
@pytest.mark.fetches
@pytest.mark.parametrize(
    ("env", "pyproject"),
    [
        ({"BP_PIP_NO_BUILD_ISOLATION": "Kern"}, ""),
        *(
            pytest.param(*each, marks=pytest.mark.full)
            for each in (
                ({"BP_PIP_NO_BUILD_ISOLATION": ":all:"}, ""),
                ({"UV_NO_BUILD_ISOLATION": "1"}, ""),
                # pip stores what the name negates.
                ({"PIP_NO_BUILD_ISOLATION": "0"}, ""),
                ({}, _UV.format('no-build-isolation-package = ["kern"]')),
                ({}, _UV.format("no-build-isolation = true")),
                ({}, _UV.format('pip.no-build-isolation-package = ["kern"]')),
                ({}, '[tool.uv.extra-build-dependencies]\nkern = ["other<2", "setuptools"]\n'),
                (
                    {},
                    "[tool.uv.extra-build-dependencies]\n"
                    'kern = [{ requirement = "other", match-runtime = true }]\n' + _METADATA,
                ),
            )
        ),
    ],
)
def test_it_is_built_with_what_is_installed(
    buildpack_run: BuildpackRun,
    buildpack: Path,
    env: Mapping[str, str],
    pyproject: str,
) -> None:
    given = {**APP, "pyproject.toml": pyproject}
    result = buildpack_run(buildpack, app=given, env={**INPUT, "UV_FIND_LINKS": "vendor", **env})
    assert summary(result) == "built with other 1.0"
    [script] = result.layers_dir.glob("*wheels*/prefix/bin/kern")
    # Below a long path its first line is the shell's, and the interpreter stands in the second.
    assert "/site/venv/bin/python" in "".join(script.read_text().splitlines()[:2])
    # The layer of what it was built beside is in the previous image alone.
    again = result.rebuild(app={"requirements.txt": f"{APP['requirements.txt']!s}six==1.16.0\n"})
    assert installed(again)["six"] == "1.16.0"


BACKEND = """
import os, zipfile
def get_requires_for_build_wheel(settings=None): return []
def build_wheel(folder, settings=None, metadata=None):
    name = 'told-1.0-py3-none-any.whl'
    told = sorted((settings or {}).items())
    head = 'Metadata-Version: 2.1\\nName: told\\nVersion: 1.0\\n'
    texts = {'METADATA': f'{head}Summary: {told}\\n',
             'WHEEL': 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n'}
    texts['RECORD'] = ''.join(f'told-1.0.dist-info/{each},,\\n' for each in texts)
    with zipfile.ZipFile(os.path.join(folder, name), 'w') as file:
        for each, text in texts.items():
            file.writestr('told-1.0.dist-info/' + each, text)
    return name
"""
TOLD = {
    "backend.py": BACKEND,
    "pyproject.toml": (
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    ),
    "PKG-INFO": "Metadata-Version: 2.1\nName: told\nVersion: 1.0\n",
}


@pytest.mark.parametrize("engine", ENGINES)
def test_settings_of_a_requirement_reach_its_build_back_end_alone(
    buildpack_run: BuildpackRun, buildpack: Path, engine: str
) -> None:
    lines = (
        "--no-index\n--find-links vendor\n"
        "told==1.0 --config-settings=speed=high -C 'deep=very so'\n"
    )
    app: dict[str, str | bytes] = {
        "requirements.txt": lines,
        "vendor/told-1.0.tar.gz": source(TOLD, "told-1.0"),
    }
    result = buildpack_run(buildpack, app=app, env={**INPUT, "BP_PIP_ENGINE": engine})
    assert installed(result) == {"told": "1.0"}
    [path] = result.layers_dir.glob(f"{LAYER}/told-1.0.dist-info/METADATA")
    assert "Summary: [('deep', 'very so'), ('speed', 'high')]" in path.read_text()
    other = {"requirements.txt": lines.replace("high", "low")}
    again = result.rebuild(app=other)
    [path] = again.layers_dir.glob(f"{LAYER}/told-1.0.dist-info/METADATA")
    assert "('speed', 'low')" in path.read_text()


@pytest.mark.fetches
def test_without_it_the_error_names_the_setting(
    buildpack_run: BuildpackRun,
    buildpack: Path,
) -> None:
    result = buildpack_run(buildpack, app=APP, env=INPUT)
    assert isinstance(result.fault, UserFault), result.log
    assert result.fault.where == "requirements.txt:2"
    assert "BP_PIP_NO_BUILD_ISOLATION=kern" in str(result.fault.remedy)


def test_the_other_engine_refuses_it(
    buildpack_run: BuildpackRun,
    buildpack: Path,
) -> None:
    env = {**INPUT, "BP_PIP_ENGINE": "pip", "BP_PIP_NO_BUILD_ISOLATION": "kern"}
    result = buildpack_run(buildpack, app=APP, env=env)
    assert isinstance(result.fault, UserFault), result.log
    assert result.fault.where == "BP_PIP_NO_BUILD_ISOLATION"


def test_a_setting_of_uv_in_the_app_is_an_input(
    buildpack_run: BuildpackRun,
    buildpack: Path,
) -> None:
    app = {"requirements.txt": "--no-index\n", "pyproject.toml": _UV.format("")}
    first = buildpack_run(buildpack, app=app, env=INPUT)
    same = first.rebuild(app={"pyproject.toml": "# a comment\n" + _UV.format("")})
    assert "unchanged" in same.log
    other = first.rebuild(app={"pyproject.toml": _UV.format('no-build-package = ["x"]')})
    assert "unchanged" not in other.log
