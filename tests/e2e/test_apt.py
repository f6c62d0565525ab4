"""Debian packages by the real apt from the real mirror, in an image that needs them."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from cnbkit import Target
from cnbkit_apt import Apt
from cnbkit_engine.base.images import BaseImages
from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home

from .bases import OtherBases, home_on
from .conftest import ROOT, Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cnbkit.testing import BuildpackRun


@pytest.fixture
def vision_apt(tmp_path: Path) -> Iterator[Project]:
    """A copy of examples/vision-apt."""
    made = Project(tmp_path / "vision-apt", Home.default())
    shutil.copytree(ROOT / "examples" / "vision-apt", made.app)
    yield made
    made.remove()


def resolved(project: Project) -> set[str]:
    """Packages in the image's layer, by its metadata."""
    label = json.loads(project.image().labels["io.buildpacks.lifecycle.metadata"])
    (apt,) = (each for each in label["buildpacks"] if each["key"] == "cnbkit/apt")
    return {line.partition(" ")[0] for line in apt["layers"]["debs"]["data"]["key"]["packages"]}


def test_opencv_with_windows_runs_with_libraries_from_an_aptfile(vision_apt: Project) -> None:
    first = vision_apt.build()
    assert "libraries and programs find what they are linked with" in first.output
    assert "| circle   |       3 |  3754 |" in vision_apt.run()
    before = vision_apt.layers()
    digest = vision_apt.image().digest
    names = resolved(vision_apt)
    assert {"libgl1", "libx11-6"} <= names
    assert names & {"libglib2.0-0", "libglib2.0-0t64"}  # of Debian 12, of 13
    # The run image has them.
    assert not {"libc6", "libstdc++6", "zlib1g", "debconf", "dpkg"} & names

    unchanged = vision_apt.build()
    assert "find what they are linked with" not in unchanged.output  # not even looked at
    assert vision_apt.image().digest == digest
    assert "Reading the lists" not in unchanged.output

    # A word that changes nothing: apt is asked, and the layer stays where it is.
    vision_apt.write({"Aptfile": "libgl1 libsm6\nlibglib2.0-0\nlibx11-6 # said\n"})
    same = vision_apt.build()
    assert same.lines("Reusing layer 'cnbkit/apt:debs'"), same.output
    assert vision_apt.layers()["cnbkit/apt:debs"] == before["cnbkit/apt:debs"]

    # A fault leaves what was built.
    vision_apt.write({"Aptfile": "libGL\n"})
    digest = vision_apt.image().digest
    assert "Did you mean libgl1?" in vision_apt.build(code=51).output
    assert vision_apt.image().digest == digest


def test_a_missing_library_is_told_while_building_with_what_supplies_it(
    vision_apt: Project,
) -> None:
    """The same packages without Aptfile: found out now, and not when the image runs."""
    (vision_apt.app / "Aptfile").unlink()
    told = "opencv-python needs libGL.so.1, "
    # The app imports it first of all.
    refused = vision_apt.build(code=51).output
    assert "imports opencv-python, which needs " in refused
    anyway = ("--env", "BP_START_CHECK=warn")
    (line,) = vision_apt.build(*anyway).lines(f"  {told}")
    assert "add `libgl1` and " in line
    assert line.endswith(" to Aptfile, or use opencv-python-headless")
    assert "cannot open shared object file" in vision_apt.run(code=1)
    # Remembered, while its layer is in the previous image alone.
    vision_apt.write({"README.md": "changed"})
    again = vision_apt.build(*anyway)
    assert told in again.output
    assert again.lines("Reusing layer 'cnbkit/pip:wheels-opencv-python'")
    assert told in vision_apt.build("--env", "BP_MISSING_LIBRARIES=fail", code=51).output
    # Mended: only the packages are new.
    vision_apt.write({"Aptfile": "libgl1 libglib2.0-0 libsm6\n"})
    mended = vision_apt.build()
    assert "find what they are linked with" in mended.output
    assert mended.lines("Reusing layer 'cnbkit/pip:wheels-opencv-python'")
    assert "| circle   |       3 |  3754 |" in vision_apt.run()


def test_a_package_of_pip_is_found_before_debians_of_that_name(project: Project) -> None:
    project.write(
        {
            "Aptfile": "python3-six python3-idna\n",
            "requirements.txt": "six==1.17.0\n",
            "app.py": "import idna, six; print(six.__version__, idna.__file__)\n",
        }
    )
    project.build()
    version, path = project.run().split()
    assert version == "1.17.0"
    assert path == "/layers/cnbkit_apt/debs/usr/lib/python3/dist-packages/idna/__init__.py"


@pytest.mark.smoke
def test_headers_serve_the_build_and_programs_find_their_files(project: Project) -> None:
    """Some compile against what is not in the image; others look into /usr and /etc."""
    project.write(
        {
            "Aptfile": ":build: libmagic-dev\nfile\nlibblas3\nfontconfig\nfonts-dejavu-core\n",
            "check.c": '#include <magic.h>\n#include <stdio.h>\nint main(void) { printf("%d", '
            "magic_version()); return 0; }\n",
            "setup.py": "import subprocess\nfrom setuptools import setup\n"
            "subprocess.run(['cc', 'check.c', '-lmagic', '-o', '/tmp/check'], check=True)\n"
            "assert int(subprocess.check_output(['/tmp/check'])) >= 544\n"
            "setup(name='native', version='1', py_modules=[])\n",
            "app.py": "import ctypes, subprocess\n"
            "ctypes.CDLL('libblas.so.3')\n"
            "run = lambda *a: print(subprocess.run(a, capture_output=True, text=True).stdout)\n"
            "run('file', '--brief', '/bin/true')\nrun('fc-list')\n",
        }
    )
    project.build()
    assert not any("dev" in what for what in project.layers())
    output = project.run()
    assert "ELF 64-bit" in output
    assert "/layers/cnbkit_apt/debs/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf" in output


SOUND = """
import ctypes
ctypes.CDLL("libvorbis.so.0")
with open("/proc/self/maps") as maps:
    for path in sorted({line.split()[-1] for line in maps if "ogg" in line or "vorbis" in line}):
        print(path.rpartition(".so")[0])
"""
RECORD = "usr/share/cnbkit/run-image/status"


def test_what_another_run_image_has_already_is_not_carried_again(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libvorbis0a needs libogg0, which Debian's packages put into this run image."""
    bases = OtherBases(tmp_path / "lists", "libogg0")
    status = tmp_path / "status"
    status.write_text(bases.status())
    builder = tmp_path / "builder.toml"
    builder.write_text(
        "".join(f'[[buildpacks]]\nuri = "{ROOT}/buildpacks/{name}"\n' for name in ("apt", "start"))
        + '[[order]]\n[[order.group]]\nid = "cnbkit/apt"\n[[order.group]]\nid = "cnbkit/start"\n'
    )
    project.write({"Aptfile": "libvorbis0a\n", "app.py": SOUND})
    home = home_on(tmp_path / "home", bases.store, bases.ensure_run_image())
    monkeypatch.setenv("CNBKIT_HOME", str(home.root))
    here = Project(project.app, home)
    options = ("--builder", str(builder))
    other = (*options, "--volume", f"{status}:/{RECORD}")
    first = here.build(*other)
    assert "1 package, " in first.output
    assert resolved(here) == {"libvorbis0a"}
    lib = f"/usr/lib/{os.uname().machine}-linux-gnu"
    layer = "/layers/cnbkit_apt/debs"
    assert here.run().split() == [f"{layer}{lib}/libvorbis", f"{lib}/libogg"]

    here.write({"app.py": f"{SOUND}\n# changed\n"})
    again = here.build(*other)
    assert again.lines("Reusing layer 'cnbkit/apt:debs'")
    assert "Reading the lists" not in again.output

    # Back on ours, where it is not: found out although nothing of the app changed.
    home_on(home.root, project.store, f"cnbkit/run:{DEFAULT.name}")
    back = here.build(*options)
    assert "packages of the run image changed" in back.output
    assert resolved(here) == {"libvorbis0a", "libogg0"}
    assert here.run().split() == [f"{layer}{lib}/libogg", f"{layer}{lib}/libvorbis"]


def test_debians_lists_resolve_for_the_other_architecture(
    buildpack_run: BuildpackRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real apt on the real mirror, for an image this machine does not run."""
    home = Home.default()
    images = BaseImages(home, ImageStore(home.images))
    root = images.ensure_build_root()
    mine, other = images.arch, {"amd64": "arm64", "arm64": "amd64"}[images.arch]
    system = tmp_path / "system"
    (system / RECORD).parent.mkdir(parents=True)
    text = (root / RECORD).read_text()
    triplets = {"amd64": "x86-64", "arm64": "aarch64"}
    text = text.replace(f"Architecture: {mine}\n", f"Architecture: {other}\n")
    (system / RECORD).write_text(text.replace(triplets[mine], triplets[other]))
    (system / "etc").symlink_to(root / "etc")
    monkeypatch.setattr(Apt, "system", str(system))
    app = {"Aptfile": "libvorbis0a\n"}
    result = buildpack_run(Apt, app=app, target=Target(arch=other))
    assert result.code == 0, result.log
    layer = result.layer("debs")
    names = {line.partition(" ")[0] for line in layer.key["packages"]}
    assert names == {"libogg0", "libvorbis0a"}  # and not libc6, which the run image has
    purls = [each["purl"] for each in json.loads(result.sbom("debs")["cdx.json"])["components"]]
    assert all(each.endswith(f"?arch={other}") for each in purls), purls
    (library,) = (layer.path / "usr/lib").glob("*/libvorbis.so.0")
    machine = {"amd64": 62, "arm64": 183}  # of ELF: EM_X86_64, EM_AARCH64
    assert library.read_bytes()[18] == machine[other]
