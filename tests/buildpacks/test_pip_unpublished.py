"""Packages without a wheel for arm64: one list, before anything is installed, by the real uv."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomli_w

from cnbkit import BuildContext, UserFault
from cnbkit.log import Log
from cnbkit_indexes.sources import Sources
from cnbkit_pip.engines.uv import Uv
from cnbkit_pip.resolution.kept import Kept
from cnbkit_pip.resolution.resolve import read_locked, resolve
from cnbkit_pip.resolution.unpublished import Unpublished
from cnbkit_python_inputs.interpreter import Interpreter
from cnbkit_python_inputs.requirements import Requirements
from cnbkit_python_inputs.target import TargetEnvironment
from cnbkit_python_inputs.wanted import Locked

from ..e2e.accelerators import Site
from ..e2e.index import sdist
from .arm64 import make_arm64, write_uv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnbkit_python_inputs.package import Package

UV = Path(sys.executable).with_name("uv")
AMD64, ARM64 = "cp311-abi3-manylinux_2_17_x86_64", "cp311-abi3-manylinux_2_17_aarch64"


class App:
    """An app with requirements or a lock, resolved for arm64 wherever this runs."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.root = folder / "app"
        self.site = site
        write_uv(folder / "buildpack" / "lib" / "bin" / "uv")
        (folder / "layers").mkdir()
        self.root.mkdir()
        self._folder = folder

    def packages(self, text: str = "", *, lock: str = "") -> tuple[list[Package], str]:
        """What is chosen, and the warning about it."""
        (self.root / "requirements.txt").write_text(text)
        env = {
            "PATH": "/usr/bin:/bin",
            "CNB_TARGET_ARCH": "arm64",
            "BP_PIP_INDEX_URL": self.site.simple,
        }
        ctx = BuildContext(
            app=str(self.root),
            env=env,
            buildpack=str(self._folder / "buildpack"),
            platform="",
            layers=str(self._folder / "layers"),
            plan="",
            log=Log(),
        )
        python = Interpreter(sys.executable, f"{sys.version_info[0]}.{sys.version_info[1]}")
        target = TargetEnvironment.of(ctx, python)
        make_arm64(target)
        sources = Sources.read(ctx)
        uv = Uv(ctx, python, sources)
        locked = Locked(str(self.root / lock), lock, str(self.root), editable=False)
        wanted = Requirements.read(ctx, ["requirements.txt"])
        unpublished = Unpublished(ctx, uv, target, locked if lock else wanted)
        try:
            if lock:
                found = read_locked(uv, locked, target, sources)
            else:
                found = resolve(ctx, uv, wanted, target, Kept(str(self._folder), ""))
        except UserFault as fault:
            raise unpublished.instead_of(fault) from None
        return found, unpublished.warning(found)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with closing(Site(tmp_path / "site")) as site:
        yield App(tmp_path, site)


def published(site: Site) -> None:
    for version, tags in (
        ("1.0", (AMD64, ARM64)),
        ("1.5", (AMD64,)),
        ("2.0", (AMD64, ARM64)),
        ("3.0", (AMD64, ARM64)),
    ):
        for tag in tags:
            site.publish("detector", version, tag=tag)
    site.publish("driver", "4.0", tag=AMD64)
    site.publish("plain", "1.0")
    site.publish("intel-only", "1.0", tag=AMD64)
    needs = ["driver", 'intel-only; platform_machine == "x86_64"']
    site.publish("model", "1.0", needs=needs)


def test_all_packages_without_a_wheel_are_in_one_list_with_versions_that_have_one(app: App) -> None:
    published(app.site)
    with pytest.raises(UserFault) as caught:
        app.packages("plain\ndetector==1.5\nmodel\n")
    fault = caught.value
    assert fault.what.startswith("2 packages have no wheel for arm64 and Python 3.")
    assert fault.where
    assert "requirements.txt:2" in fault.where
    assert "detector 1.5: 1.0 and 2.0 have one" in str(fault.remedy)
    # Nothing asks for it but model, which is pure Python; for amd64 alone is not a fault.
    assert "driver 4.0: no version has one" in str(fault.remedy)
    assert "intel-only" not in str(fault.remedy)
    assert "plain" not in str(fault.remedy)
    found, warning = app.packages("plain\ndetector==2.0\n")
    assert ([each.name for each in found], warning) == (["detector", "plain"], "")


def test_a_lock_made_elsewhere_is_told_all_it_lacks(app: App) -> None:
    published(app.site)
    (app.root / "in.txt").write_text("plain\ndetector==1.5\ndriver\n")
    subprocess.run(
        [
            *(UV, "pip", "compile", "in.txt", "--quiet", "--universal", "-o", "pylock.toml"),
            *("--python", sys.executable, "--default-index", app.site.simple),
        ],
        cwd=app.root,
        check=True,
    )
    with pytest.raises(UserFault, match="2 packages have no wheel for arm64") as caught:
        app.packages(lock="pylock.toml")
    assert caught.value.where == "pylock.toml (detector), pylock.toml (driver)"
    assert "detector 1.5: 1.0 and 2.0 have one" in str(caught.value.remedy)

    # As poetry.lock and Pipfile.lock have them: hashes, and neither names nor addresses.
    document = tomllib.loads((app.root / "pylock.toml").read_text())
    for entry in document["packages"]:
        entry["wheels"] = [{"hashes": each["hashes"]} for each in entry["wheels"]]
    (app.root / "pylock.toml").write_text(tomli_w.dumps(document))
    with pytest.raises(UserFault, match="2 packages have no wheel for arm64") as caught:
        app.packages(lock="pylock.toml")
    assert "driver 4.0: no version has one" in str(caught.value.remedy)


def test_what_would_be_compiled_is_told_and_not_refused(app: App) -> None:
    published(app.site)
    app.site.add_file("detector", "detector-1.5.tar.gz", sdist("detector", "1.5"))
    app.site.add_file("legacy", "legacy-1.0.tar.gz", sdist("legacy", "1.0"))
    found, warning = app.packages("plain\nlegacy\ndetector==1.5\n")
    assert {each.name for each in found} == {"detector", "legacy", "plain"}
    assert warning.startswith("a package has no wheel for arm64, which means compiling here")
    assert "detector 1.5: 1.0 and 2.0 have one, its source has to be compiled" in warning
    # Of it there are no wheels at all: it has always been built from source.
    assert "legacy" not in warning


def test_other_faults_stay_as_they_are(app: App) -> None:
    published(app.site)
    with pytest.raises(UserFault, match="there is no package nowhere"):
        app.packages("nowhere\n")
    with pytest.raises(UserFault, match="no set of versions"):
        app.packages("plain==7\n")
