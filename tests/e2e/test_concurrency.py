"""Commands beside each other on one image: all of them succeed, each pair twenty times."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore, UnknownImage
from cnbkit_engine.state.home import Home

from ..processes import below

if TYPE_CHECKING:
    from collections.abc import Iterator

CNBKIT = str(Path(sys.executable).with_name("cnbkit"))
TIMES = 20
BUILD = """#!/bin/sh
mkdir "$1/data"
cat /proc/sys/kernel/random/uuid >"$1/data/data"
printf '[types]\\nlaunch = true\\n' >"$1/data.toml"
printf '[[processes]]\\ntype = "web"\\ncommand = ["sleep"]\\nargs = ["60"]\\ndefault = true\\n' \\
    >"$1/launch.toml"
"""


class Project:
    """An app whose image is another one each time, by a builder of one small buildpack."""

    def __init__(self, folder: Path) -> None:
        self.name = f"pair-{uuid.uuid4().hex[:8]}"
        self._folder = folder
        buildpack = folder / "buildpack"
        (buildpack / "bin").mkdir(parents=True)
        (buildpack / "buildpack.toml").write_text(
            'api = "0.10"\n[buildpack]\nid = "test/data"\nversion = "1.0.0"\n[[targets]]\n'
            'os = "linux"\n'
        )
        for name, text in (("detect", "#!/bin/sh\n"), ("build", BUILD)):
            (buildpack / "bin" / name).write_text(text)
            (buildpack / "bin" / name).chmod(0o755)
        (folder / "builder.toml").write_text(
            '[[buildpacks]]\nuri = "buildpack"\n[[order]]\n[[order.group]]\nid = "test/data"\n'
        )
        (folder / "app").mkdir()
        (folder / "app" / "file").write_text("1\n")

    def build(self, tag: str = "") -> list[str]:
        builder = str(self._folder / "builder.toml")
        return ["build", str(self._folder / "app"), "--builder", builder, "--tag", self.name + tag]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    finish(start(made.build()))
    yield made
    with suppress(UnknownImage):
        ImageStore(Home.default().images).remove(made.name)


def start(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [CNBKIT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finish(*running: subprocess.Popen[str]) -> list[str]:
    said = [each.communicate()[0] for each in running]
    assert [each.returncode for each in running] == [0] * len(running), "\n---\n".join(said)
    return said


def intact(name: str) -> bool:
    store = ImageStore(Home.default().images)
    return store.is_intact(name) and bool(Image.from_store(store, name).layers)


@pytest.mark.parametrize("pair", ["build and rebase", "two spellings", "two builds"])
def test_two_commands_on_one_image_wait_for_each_other(project: Project, pair: str) -> None:
    other = {
        "build and rebase": ["rebase", project.name, "--force"],
        "two spellings": project.build(":latest"),
        "two builds": project.build(),
    }[pair]
    waited = 0
    for turn in range(TIMES):
        first, second = start(project.build()), start(other)
        said = finish(first, second)
        waited += any("Waiting: process" in text for text in said)
        assert intact(project.name), f"turn {turn}"
    assert waited, "they were never at work at the same time"


def test_an_image_that_runs_keeps_its_layers(project: Project) -> None:
    home = Home.default()
    store = ImageStore(home.images)
    for _ in range(TIMES):
        layers = Image.from_store(store, project.name).layers
        (layer,) = (layer for layer in layers if layer.kind == "buildpack")
        # As the image's own user has it unpacked.
        own = home.layers / f"{layer.diff_id.removeprefix('sha256:')}-1000-1000"
        running = start(["run", project.name])
        while not sleeping(running.pid):
            assert running.poll() is None, running.communicate()[0]
            time.sleep(0.01)
        # The image's name moves on while it runs, so that no image has this layer any more.
        finish(start(project.build()))
        finish(start(["prune"]))
        assert running.poll() is None
        assert (own / "layers").is_dir()
        running.terminate()
        running.communicate()
        finish(start(["prune"]))
        assert not own.exists()


def sleeping(pid: int) -> bool:
    """Whether a process has started the app's `sleep`."""
    return any(each.name == "sleep" for each in below(pid))


def test_two_prunes_do_not_collide(project: Project) -> None:
    home = Home.default()
    for turn in range(TIMES):
        for number in range(20):
            folder = home.layers / f"{turn:032x}{number:032x}"
            folder.mkdir(parents=True)
            (folder / "file").write_text("nobody's")
        finish(start(["prune"]), start(["prune"]))
        assert not list(home.layers.glob(f"{turn:032x}*"))
    assert intact(project.name)
