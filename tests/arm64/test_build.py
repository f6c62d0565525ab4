"""Images for arm64 built and run here: on another processor by emulation, on arm64 as it is."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from tests.user_namespace import in_user_namespace

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.lifecycle.install import ensure_crane
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.oci.unpacked import ensure_layer
from cnbkit_engine.sandbox.emulation import is_foreign
from cnbkit_engine.state.workspace import remove_tree
from cnbkit_engine.testing.docker import LocalRegistry

from ..e2e.conftest import CNBKIT, cnbkit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cnbkit_engine.state.home import Home

    from ..e2e.conftest import Project

# Emulated on a busy machine.
pytestmark = pytest.mark.timeout(3600)

ARM64 = ("--platform", "linux/arm64")
# A user namespace with a binfmt_misc of its own, in which nothing is registered (Linux 6.7).
EMPTY = """
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc && exec "$@"
"""


def machines(home: Home, store: ImageStore, image: Image) -> dict[str, set[str]]:
    """What each layer's ELF files are for: ELF's name of the processor → files."""
    found: dict[str, set[str]] = {}
    for layer in image.layers:
        for path in files(ensure_layer(home, store, layer)):
            with path.open("rb") as file:
                if file.read(4) != b"\x7fELF":
                    continue
                try:
                    machine = ELFFile(io.BytesIO(path.read_bytes()))["e_machine"]
                except ELFError:
                    continue
            found.setdefault(machine, set()).add(f"{layer.what}: {path.name}")
    return found


def files(folder: Path) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        for name in names:
            path = type(folder)(root, name)
            if path.is_file() and not path.is_symlink():
                yield path


def test_a_small_app_is_built_run_and_rebuilt(project: Project) -> None:
    project.write(
        {
            "app.py": "import markupsafe._speedups, platform\nprint(platform.machine())\n",
            "requirements.txt": "markupsafe==3.0.2\n",
        }
    )
    project.build(*ARM64)
    image = project.image()
    assert image.platform == "linux/arm64"
    assert project.run() == "aarch64\n"
    found = machines(project.home, project.store, project.image())
    assert set(found) == {"EM_AARCH64"}, {k: v for k, v in found.items() if k != "EM_AARCH64"}
    assert any("_speedups" in name for name in found["EM_AARCH64"])
    assert "launcher: launcher" in found["EM_AARCH64"]

    again = project.build(*ARM64)
    assert not again.lines("  built "), again.output
    assert project.image().digest == image.digest

    # Where the kernel knows no emulator yet, root registers it.
    if is_foreign("arm64"):
        run = subprocess.run(
            in_user_namespace(
                ["sh", "-c", EMPTY, "sh", sys.executable, CNBKIT, "run", project.name]
            ),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (run.returncode, run.stdout) == (0, "aarch64\n"), run.stderr


def test_an_image_in_a_registry_for_another_processor_is_no_predecessor(
    project: Project, tmp_path: Path
) -> None:
    project.write(
        {
            "app.py": "import markupsafe._speedups, platform\nprint(platform.machine())\n",
            "requirements.txt": "markupsafe==3.0.2\nsix==1.17.0\n",
        }
    )
    registry = LocalRegistry(
        ensure_crane(project.home, arch=machine_architecture()), tmp_path / "registry"
    )
    reference = f"{registry.host}/{project.name}:1"
    try:
        for platform in ("linux/amd64", "linux/arm64", "linux/amd64"):
            options = ("--publish", reference, "--platform", platform, "--verbose")
            built = cnbkit("build", str(project.app), *options)
            assert built.code == 0, built.output
            folder = tmp_path / platform.replace("/", "-")
            remove_tree(folder)
            Remote(reference).pull(folder, platform.removeprefix("linux/"))
            store = ImageStore(folder)
            image = Image.from_store(store, store.names()[0], platform)
            assert image.platform == platform
            expected = {"linux/amd64": {"EM_X86_64"}, "linux/arm64": {"EM_AARCH64"}}[platform]
            assert set(machines(project.home, store, image)) == expected
    finally:
        registry.stop()


def test_the_example_of_the_readme_answers_as_it_does_on_any_machine(vision: Project) -> None:
    # An image of that name for another processor is not a predecessor.
    example = {name: (vision.app / name).read_bytes() for name in ("requirements.txt", "app.py")}
    vision.write({"requirements.txt": "", "app.py": "print(1)\n"})
    vision.build()
    first = vision.layers()
    vision.write(example)

    built = vision.build(*ARM64)
    assert re.search(
        r"[1-9]\d* libraries and programs find what they are linked with", built.output
    )
    assert vision.image().platform == "linux/arm64"
    assert (vision.layers()["launcher"] != first["launcher"]) == is_foreign("arm64")
    output = vision.run()
    assert "Shapes in the picture" in output
    assert "| circle   |       3 |  3754 |" in output
    assert "| triangle |       1 |  4345 |" in output
    found = machines(vision.home, vision.store, vision.image())
    assert set(found) == {"EM_AARCH64"}, {k: v for k, v in found.items() if k != "EM_AARCH64"}
    assert any("cv2" in name for name in found["EM_AARCH64"])
