"""Requirements files and pip's projects: what is installed is what `pip install` installs."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING

import pytest

from ..e2e.index import wheel, wheel_name
from .cases import tiered
from .harness import Case, pip_install

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnbkit.testing.inputs import Files

    from .harness import Outcome

FROM_FILE = pip_install("-r", "requirements.txt")
PROJECT = pip_install("-e", ".")
SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
DEMO, DEMO_FILE = wheel("demo", "1.0"), wheel_name("demo", "1.0")
OTHER, OTHER_FILE = wheel("other", "2.0"), wheel_name("other", "2.0")
VENDOR = {f"vendor/{DEMO_FILE}": DEMO, f"vendor/{OTHER_FILE}": OTHER}
SHA256, SHA384, SHA512, SHA1, MD5 = (
    f"{kind}:{hashlib.new(kind, DEMO).hexdigest()}"
    for kind in ("sha256", "sha384", "sha512", "sha1", "md5")
)
WRONG = f"sha256:{'0' * 64}"
SETUP_PY = "from setuptools import setup\nsetup(name='plain', version='3.1', py_modules=['a'])\n"


def requirements(
    name: str,
    text: str | bytes,
    files: Files | None = None,
    *,
    refused: bool = False,
) -> Case:
    """A requirements.txt, and further files."""
    return Case(name, {"requirements.txt": text, **(files or {})}, FROM_FILE, refused=refused)


def project(name: str, text: str, files: Files | None = None) -> Case:
    """A pyproject.toml, and further files."""
    return Case(name, {"pyproject.toml": text, **(files or {})}, PROJECT)


def library(name: str, *dependencies: str) -> str:
    """A pyproject.toml of a package without code."""
    return (
        f'[project]\nname = "{name}"\nversion = "1.0"\ndependencies = {[*dependencies]!r}\n'
        f"{SETUPTOOLS}[tool.setuptools]\npy-modules = []\n"
    )


CASES = [
    requirements("pins", "six==1.16.0\niniconfig==2.0.0\n"),
    requirements("ranges", "six>=1.10,<1.17\nidna~=3.4\n"),
    requirements("extras", "requests[socks]==2.32.3\nrequests\n"),
    requirements("markers", "six\ncolorama; sys_platform == 'win32'\ntoml; python_version > '3'\n"),
    requirements(
        "includes",
        "-r deps/base.txt\n",
        {"deps/base.txt": "--requirement more.txt\n", "deps/more.txt": "six\n"},
    ),
    requirements("constraints", "six\n-c limits.txt\n", {"limits.txt": "six<1.17\ntoml==0.10.1\n"}),
    requirements("pre-releases", "--pre\nflask-session<1.0\n"),
    requirements("wheel by path", f"./vendor/{DEMO_FILE}\n", VENDOR),
    requirements("find-links", "--no-index\n--find-links vendor\ndemo\nother\n", VENDOR),
    requirements("editable folder", "-e lib\n", {"lib/pyproject.toml": library("lib", "six")}),
    requirements("folder", "./lib\n", {"lib/pyproject.toml": library("lib", "six")}),
    requirements("no-binary", "--no-binary six\nsix==1.16.0\n"),
]


def by_engine(cases: list[Case]) -> list[Case]:
    """Each with uv and with pip."""
    return [
        dataclasses.replace(
            case, name=f"{case.name}, {engine}", env={**case.env, "BP_PIP_ENGINE": engine}
        )
        for case in cases
        for engine in ("uv",)
    ]


@pytest.mark.parametrize("case", tiered(by_engine(CASES)))
def test_the_image_has_what_pip_installs(case: Case, compare: Callable[..., Outcome]) -> None:
    values = {"own_env": {"DIR": "deps"}}
    case = dataclasses.replace(case, env={**case.env, "DIR": "deps"}, **values)  # type: ignore[arg-type]
    compare(case)
