"""Apps on the base that is not the default one: chosen, built, run, rebuilt and rebased."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.suites import DEFAULT, SUITES, Suite
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore

from .conftest import ROOT, cnbkit

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Project

TELL = """\
import platform, sys
import markupsafe._speedups
name = platform.freedesktop_os_release()["VERSION_CODENAME"]
print(platform.python_version(), sys.base_prefix, name)
"""
APP = {"app.py": TELL, "requirements.txt": "markupsafe==3.0.2\n"}
OTHER = next(suite for suite in SUITES.values() if suite is not DEFAULT)


def told(suite: Suite) -> str:
    """What the app says on a base."""
    return f"{suite.full_python} /usr {suite.name}\n"


def test_an_app_stands_on_the_base_whose_python_it_asks_for(project: Project) -> None:
    project.write({**APP, ".python-version": f"{OTHER.python}\n"})
    first = project.build()
    base = f"Base: Debian {OTHER.version} with Python {OTHER.python}"
    assert first.lines(f"{base}, for {OTHER.python} from .python-version")
    of_base = f"Python {OTHER.full_python} of the base image"
    assert f"{of_base}, {OTHER.python} from .python-version" in first.output
    assert "Standalone" not in first.output
    assert project.run() == told(OTHER)
    assert (project.image().base or "").endswith(f"/cnbkit/run:{OTHER.name}")

    digest, layers = project.image().digest, project.layers()
    unchanged = project.build()
    assert unchanged.lines(base)
    assert project.image().digest == digest

    # Without the word it stands on the default base, and nothing of the other one is left in it.
    (project.app / ".python-version").unlink()
    assert not project.build().lines("Base: ")
    assert project.run() == told(DEFAULT)

    assert not project.build("--base", OTHER.name).lines("Base: ")  # as the command says
    assert project.run() == told(OTHER)
    again = project.layers()
    assert {what for what in again if again[what] != layers.get(what)} == {"app"}


@pytest.mark.parametrize(
    ("base", "named", "renamed"),
    [("trixie", "", "t64"), ("bookworm", "t64", "")],
)
def test_names_of_libraries_of_the_other_release_are_understood(
    project: Project, base: str, named: str, renamed: str
) -> None:
    # Debian 13 renamed what has times of 64 bits.
    project.write(
        {
            "Aptfile": f"libglib2.0-0{named} libasound2{named}\nlibpng16-16{named}\n",
            "app.py": "import ctypes\n"
            "names = 'libglib-2.0.so.0', 'libasound.so.2', 'libpng16.so.16'\n"
            "print(*(ctypes.CDLL(name)._name for name in names))\n",
        }
    )
    built = project.build("--base", base)
    said = f"Aptfile:1: libasound2{named} is libasound2{renamed} in this release"
    assert said in built.output
    assert project.run() == "libglib-2.0.so.0 libasound.so.2 libpng16.so.16\n"


def test_an_image_is_rebased_within_its_suite_only(project: Project) -> None:
    project.write(APP)
    project.build()
    digest = project.image().digest
    for name in SUITES:
        done = cnbkit("prepare", "--base", name)
        assert done.code == 0, done.output

    refused = cnbkit("rebase", project.name, "--run-image", f"cnbkit/run:{OTHER.name}")
    assert refused.code, refused.output
    assert "was not rebased, and is as it was" in refused.output
    assert "--force" in refused.output
    assert project.image().digest == digest
    assert project.run() == told(DEFAULT)

    project.build("--base", OTHER.name)
    rebased = cnbkit("rebase", project.name)
    assert rebased.code == 0, rebased.output
    assert project.run() == told(OTHER)


def test_an_app_with_packages_too_old_for_the_newest_python_gets_the_older_base(
    project: Project, tmp_path: Path
) -> None:
    builder = tmp_path / "builder.toml"
    text = (ROOT / "builder" / "builder.toml").read_text()
    text = text.replace('uri = "../', f'uri = "{ROOT}/')
    distros = '[{ name = "debian", version = "13" }, { name = "debian", version = "12" }]'
    builder.write_text(f'{text}\n[[targets]]\nos = "linux"\ndistros = {distros}\n')
    project.write({**APP, "requirements.txt": "markupsafe==2.1.5\nnumpy==1.24.4\n"})
    built = project.build("--builder", str(builder))
    old = "markupsafe==2.1.5 in requirements.txt, which is not made for Python 3.13"
    assert built.lines(f"Base: Debian 12 with Python 3.11, for {old}")
    assert project.run() == told(SUITES["bookworm"])


def test_a_builder_image_runs_on_the_python_of_its_base(tmp_path: Path) -> None:
    descriptor = tmp_path / "builder.toml"
    descriptor.write_text(
        f'[[buildpacks]]\nuri = "{ROOT / "buildpacks" / "labels"}"\n'
        '[[order]]\n[[order.group]]\nid = "cnbkit/labels"\n'
        '[[targets]]\nos = "linux"\n[[targets.distros]]\nname = "debian"\n'
        f'version = "{OTHER.version}"\n'
    )
    done = cnbkit(
        *("builder", str(descriptor), "--run-image", f"registry.invalid/run:{OTHER.name}"),
        *("--output", f"oci:{tmp_path / 'builder'}"),
    )
    assert done.code == 0, done.output
    store = ImageStore(tmp_path / "builder")
    [name] = store.names()
    image = Image.from_store(store, name)
    assert image.labels["io.buildpacks.base.distro.version"] == OTHER.version
    assert image.labels["io.buildpacks.stack.id"] == OTHER.stack
    files: set[str] = set()
    for layer in image.layers[1:]:
        with tarfile.open(store.blob_path(layer.digest)) as archive:
            files |= {each.rpartition("/")[2] for each in archive.getnames()}
    digits = OTHER.python.replace(".", "")
    cores = {each.split("-")[1] for each in files if each.startswith("_pydantic_core.")}
    assert cores == {digits}
    assert {each.split(".")[-2] for each in files if each.endswith(".pyc")} == {f"cpython-{digits}"}
