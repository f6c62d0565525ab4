"""A lock with wheels for one Python alone gets that one, where the app leaves the choice open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from cnbkit import BuildContext
from cnbkit.errors import PlatformFault
from cnbkit.log import Log
from cnbkit_locked.wheels import compiled
from cnbkit_python import Python
from cnbkit_python.request import VersionRequest
from cnbkit_python.wheels import fitting

if TYPE_CHECKING:
    from pathlib import Path

ONLY = "fast-1.0-cp312-cp312-manylinux_2_17_x86_64.whl"
PROJECT = '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\n'
UV = """version = 1
requires-python = ">=3.11"

[[package]]
name = "fast"
version = "1.0"
source = {{ registry = "https://example.com/simple" }}
wheels = [
    {{ url = "https://example.com/{wheel}", hash = "sha256:00" }},
]
{more}
[[package]]
name = "shop"
version = "1"
source = {{ virtual = "." }}
dependencies = [
    {{ name = "fast"{marker} }},
]
"""
POETRY = """[[package]]
name = "fast"
version = "1.0"
groups = ["{group}"]
files = [
    {{file = "{wheel}", hash = "sha256:00"}},
]

[metadata]
lock-version = "2.1"
python-versions = ">=3.11"
"""
PDM = """[metadata]
groups = ["default"]

[[metadata.targets]]
requires_python = ">=3.11"

[[package]]
name = "fast"
version = "1.0"
groups = ["{group}"]
files = [
    {{file = "{wheel}", hash = "sha256:00"}},
]
"""
PYLOCK = """lock-version = "1.0"
requires-python = ">=3.11"

[[packages]]
name = "fast"
version = "1.0"
wheels = [
    {{ url = "https://example.com/{wheel}", hashes = {{ sha256 = "00" }} }},
]
"""
LOCKS = {
    "uv.lock": UV.format(wheel=ONLY, more="", marker=""),
    "poetry.lock": POETRY.format(wheel=ONLY, group="main"),
    "pdm.lock": PDM.format(wheel=ONLY, group="default"),
    "pylock.toml": PYLOCK.format(wheel=ONLY),
}


def context(folder: Path, lock: str, text: str, project: str = PROJECT) -> BuildContext:
    app = folder / "app"
    for each in (app, folder / "layers", folder / "platform/env"):
        each.mkdir(parents=True)
    (app / "pyproject.toml").write_text(project)
    (app / lock).write_text(text)
    return BuildContext(
        app=str(app),
        env={"CNB_TARGET_OS": "linux", "CNB_TARGET_ARCH": "amd64"},
        buildpack="",
        platform=str(folder / "platform"),
        layers=str(folder / "layers"),
        plan="",
        log=Log(),
    )


def chosen(ctx: BuildContext, lock: str, base: str = "3.13.5") -> VersionRequest:
    return fitting(ctx, VersionRequest.read(ctx, "", [lock]), base, [lock])


@pytest.mark.parametrize("lock", LOCKS)
def test_the_python_that_has_all_wheels_is_chosen_and_the_package_is_named(
    tmp_path: Path, lock: str
) -> None:
    found = chosen(context(tmp_path, lock, LOCKS[lock]), lock)
    assert found.wanted == "3.12"
    assert found.source == f"{lock}, where fast 1.0 has no wheel for 3.13 and no sources"


OPEN = {
    "for the base's Python, too": (
        "uv.lock",
        UV.format(
            wheel=ONLY,
            more="",
            marker="",
        ).replace(ONLY, ONLY.replace("cp312-cp312", "cp313-cp313")),
    ),
    "for any Python": (
        "uv.lock",
        UV.format(wheel="fast-1.0-py3-none-manylinux_2_17_x86_64.whl", more="", marker=""),
    ),
    "sources beside it": (
        "uv.lock",
        UV.format(
            wheel=ONLY,
            more="",
            marker="",
        ).replace(
            "wheels = [", 'sdist = { url = "https://example.com/fast-1.0.tar.gz" }\nwheels = ['
        ),
    ),
    "sources in a list of files": (
        "poetry.lock",
        LOCKS["poetry.lock"].replace(
            "files = [", 'files = [\n    {file = "fast-1.0.tar.gz", hash = "sha256:00"},'
        ),
    ),
    "an older Python's package": (
        "uv.lock",
        UV.format(wheel=ONLY, more="", marker=", marker = \"python_full_version < '3.13'\""),
    ),
    "of a group that is left out (Poetry)": (
        "poetry.lock",
        POETRY.format(wheel=ONLY, group="dev"),
    ),
    "of a group that is left out (PDM)": ("pdm.lock", PDM.format(wheel=ONLY, group="dev")),
    "for another machine": (
        "uv.lock",
        UV.format(wheel=ONLY.replace("manylinux_2_17_x86_64", "win_amd64"), more="", marker=""),
    ),
    "for no Python that all have": (
        "uv.lock",
        UV.format(wheel=ONLY.replace("cp312-cp312", "cp38-cp38"), more="", marker=""),
    ),
}


@pytest.mark.parametrize(("lock", "text"), OPEN.values(), ids=OPEN)
def test_it_stays_the_bases_where_that_would_do_or_another_would_not(
    tmp_path: Path, lock: str, text: str
) -> None:
    found = chosen(context(tmp_path, lock, text), lock)
    assert found.satisfied_by("3.13.5")
    assert not found.otherwise


def test_what_the_app_names_itself_counts_before_the_wheels(tmp_path: Path) -> None:
    ctx = context(tmp_path, "uv.lock", LOCKS["uv.lock"])
    (tmp_path / "app/.python-version").write_text("3.13\n")
    assert chosen(ctx, "uv.lock").wanted == "3.13"


def test_where_it_cannot_be_had_the_way_out_is_another_release_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cnbkit_python.base_python", lambda: "3.13.5")
    ctx = context(tmp_path, "uv.lock", LOCKS["uv.lock"])
    # Where nobody listens.
    monkeypatch.setitem(ctx.env, "BP_PYTHON_MIRROR", "http://127.0.0.1:9")
    with pytest.raises(PlatformFault) as caught:
        Python().build(ctx)
    assert "cannot install Python 3.12" in caught.value.what
    told = str(caught.value.remedy)
    assert told.endswith("or lock a release of fast that has a wheel for 3.13")
    assert "ask for" not in told


WHEELS = (
    *("cp312-cp312", "cp39-abi3", "cp310-none", "py3-none", "py310-none", "cp37-cp37m"),
    *("py2.py3-none", "cp313-cp313t", "cp38.cp39-cp38.cp39", "py2-none", "cp313-abi3"),
)


@pytest.mark.parametrize("tags", WHEELS)
def test_the_pythons_of_a_wheel_are_those_that_packaging_has(tags: str) -> None:
    platform = "manylinux_2_17_x86_64"
    name = f"fast-1.0-{tags}-{platform}.whl"
    *_, marks = parse_wheel_filename(name)
    theirs = {
        minor
        for minor in range(6, 30)
        if marks
        & {
            *cpython_tags((3, minor), platforms=[platform]),
            *compatible_tags((3, minor), f"cp3{minor}", [platform]),
        }
    }
    found = compiled(UV.format(wheel=name, more="", marker=""), "uv.lock", "amd64")
    assert theirs == (found[0].minors if found else {*range(6, 30)})
