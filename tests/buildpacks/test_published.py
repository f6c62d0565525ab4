"""What an index has of a package, asked by the real uv."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from platform import machine

import pytest

from cnbkit import BuildContext
from cnbkit.log import Log
from cnbkit_indexes.sources import Sources
from cnbkit_pip.diagnosis.published import Published
from cnbkit_pip.engines.uv import Uv
from cnbkit_python_inputs.interpreter import Interpreter

from ..e2e.accelerators import Site
from ..e2e.index import sdist

_HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.mark.parametrize(
    "python",
    [
        pytest.param(Interpreter(sys.executable, _HERE), id="that is there"),
        # As in a plan of an app whose Python only a build installs.
        pytest.param(Interpreter(sys.executable, "3.14", stands_for="3.14.1"), id="that is not"),
    ],
)
def test_wheels_are_told_of_every_python_whichever_the_image_has(
    tmp_path: Path, python: Interpreter
) -> None:
    (tmp_path / "buildpack/lib/bin").mkdir(parents=True)
    (tmp_path / "buildpack/lib/bin/uv").symlink_to(Path(sys.executable).with_name("uv"))
    (tmp_path / "layers").mkdir()
    (tmp_path / "app").mkdir()
    with closing(Site(tmp_path / "site")) as site:
        for tag in (f"{each}-{each}-manylinux_2_17_{machine()}" for each in ("cp39", "cp310")):
            site.publish("parser", "1.0", tag=tag)
        site.add_file("parser", "parser-1.0.tar.gz", sdist("parser", "1.0"))
        site.add_file("legacy", "legacy-1.0.tar.gz", sdist("legacy", "1.0"))
        ctx = BuildContext(
            app=str(tmp_path / "app"),
            env={
                "PATH": "/usr/bin:/bin",
                "CNB_TARGET_ARCH": "amd64",
                "BP_PIP_INDEX_URL": site.simple,
            },
            buildpack=str(tmp_path / "buildpack"),
            platform="",
            layers=str(tmp_path / "layers"),
            plan="",
            log=Log(),
        )
        published = Published(Uv(ctx, python, Sources.read(ctx)), "", python.minor)
        assert published.pythons("parser==1.0") == ["3.9", "3.10"]
        assert published.pythons("legacy==1.0") == []
        # The image's own Python is still the one that is asked about where none is named.
        assert published.version("parser==1.0", "--only-binary", ":all:") == ""
