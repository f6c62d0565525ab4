"""A builder whose build image has no Python that its buildpacks run on is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import UserFault
from cnbkit_engine.builder.checks import check_python
from cnbkit_engine.buildpack.launcher import build_script, main_module
from cnbkit_engine.buildpack.source import BuildpackSource

if TYPE_CHECKING:
    from pathlib import Path

DESCRIPTOR = """\
api = "0.10"
[buildpack]
id = "test/{0}"
version = "1.0.0"
[metadata.cnbkit]
entry = "hello:Hello"
"""


def put(folder: Path, name: str, *versions: str, python: str = "/usr/bin/python3") -> None:
    """A buildpack as it is packaged for some Pythons."""
    source = folder / "source" / name
    source.mkdir(parents=True)
    (source / "buildpack.toml").write_text(DESCRIPTOR.format(name))
    (source / "hello.py").write_text("")
    bin_ = folder / "buildpacks" / f"test_{name}" / "1.0.0" / "bin"
    bin_.mkdir(parents=True)
    buildpack = BuildpackSource(source)
    (bin_ / "build").write_text(build_script(buildpack, python))
    (bin_ / "main.py").write_text(main_module(buildpack, *versions))


@pytest.mark.parametrize(
    ("versions", "found", "wanted"),
    [
        (("3.11",), "3.11", None),
        (("3.11", "3.13"), "3.13", None),
        (("3.11", "3.12", "3.13", "3.14"), "3.12", None),
        ((), "3.12", None),  # nothing compiled
        (("3.11",), "?", None),
        (("3.11",), "3.13", "3.11"),
        (("3.11", "3.13"), "3.12", "3.11 or 3.13"),
        (("3.11", "3.12", "3.13", "3.14"), "3.9", "3.11 or 3.12 or 3.13 or 3.14"),
        (("3.11",), "", "3.11"),
        ((), "", ""),
    ],
)
def test_the_python_has_to_be_one_that_the_buildpacks_are_for(
    tmp_path: Path, versions: tuple[str, ...], found: str, wanted: str | None
) -> None:
    put(tmp_path, "one", *versions)
    put(tmp_path, "own", "3.10", python="runtime/bin/python3")
    toml = tmp_path / "builder.toml"
    if wanted is None:
        check_python(tmp_path / "buildpacks", found, "image", toml)
        return
    with pytest.raises(UserFault) as caught:
        check_python(tmp_path / "buildpacks", found, "image", toml)
    has = f"Python {found}" if found else "no Python"
    assert caught.value.what == (
        f"the build image has {has} at /usr/bin/python3, and 1 of the buildpacks run on its "
        f"Python {wanted}".rstrip()
    )
    assert f"name a build image with Python {wanted or '3.11 or newer'}" in (
        caught.value.remedy or ""
    )
    assert caught.value.detail == "test/one"


def test_buildpacks_in_shell_run_on_anything(tmp_path: Path) -> None:
    folder = tmp_path / "buildpacks/acme_shell/1/bin"
    folder.mkdir(parents=True)
    (folder / "build").write_text("#!/bin/sh\nexec python3 -c pass\n")
    check_python(tmp_path / "buildpacks", "", "image", tmp_path / "builder.toml")
