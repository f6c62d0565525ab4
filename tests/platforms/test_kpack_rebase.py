"""kpack's own program rebases what `cnbkit build --publish` made, and cnbkit rebases the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bench.rebase_published import Tools, measure_published, rebased_published

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.lifecycle.install import ensure_crane
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.state.home import Home
from cnbkit_engine.testing.docker import LocalRegistry
from cnbkit_engine.tools.pack import ensure_pack

if TYPE_CHECKING:
    from collections.abc import Iterator

ARCH = machine_architecture()
CNBKIT = str(Path(sys.executable).with_name("cnbkit"))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    crane = ensure_crane(Home.default(), arch=ARCH)
    made = LocalRegistry(crane, tmp_path_factory.mktemp("registry"))
    yield made.host
    made.stop()


def _run(*command: str | Path, code: int = 0) -> str:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def _patch(run: str, folder: Path) -> None:
    """A security update of a run image: one file more, under the same name."""
    (folder / "etc").mkdir(parents=True)
    (folder / "etc" / "patched").write_text("CVE-1\n")
    _run("tar", "-C", folder, "-cf", folder / "patch.tar", "etc")
    crane = ensure_crane(Home.default(), arch=ARCH)
    _run(crane, "append", "--base", run, "--new_layer", folder / "patch.tar", "--new_tag", run)


def _metadata(name: str) -> dict[str, Any]:
    labels = Remote(name).config(ARCH)["config"]["Labels"]
    found: dict[str, Any] = json.loads(labels["io.buildpacks.lifecycle.metadata"])
    return found


def test_an_update_of_the_run_image_reaches_images_by_kpack_and_by_cnbkit(
    kpack: Path, registry: str, tmp_path: Path
) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "Procfile").write_text("web: echo rebased\n")
    run = f"{registry}/base/run:1"
    ours, theirs, unnamed = (f"{registry}/app:{tag}" for tag in ("cnbkit", "kpack", "unnamed"))
    for name in (ours, theirs):
        _run(CNBKIT, "build", app, "--publish", name, "--run-image", run)
    told = _run(CNBKIT, "build", app, "--publish", unnamed)
    assert "so this image cannot be rebased: --run-image names one" in told
    before = Remote(theirs).layers(ARCH)

    _patch(run, tmp_path / "patch")
    base = [each.digest for each in Remote(run).layers(ARCH)]
    # Its pods are given the digests that the cluster's resources have.
    last = f"{registry}/app@{Remote(theirs).digest()}"
    newest = f"{registry}/base/run@{Remote(run).digest()}"
    _run(kpack.with_name("rebase"), "-run-image", newest, "-last-built-image", last, theirs)
    said = _run(CNBKIT, "rebase", "--publish", ours, theirs, unnamed, code=65)
    assert said.count("the image does not say which run image it stands on") >= 1
    assert said.splitlines()[-1] == "3 images: 1 rebased, 1 current, 1 failed"
    layers = [each.digest for each in Remote(theirs).layers(ARCH)]
    assert layers == [*base, *(each.digest for each in before[len(base) - 1 :])]
    assert [each.digest for each in Remote(ours).layers(ARCH)] == layers
    recorded = [_metadata(name)["runImage"] for name in (ours, theirs)]
    assert [each["topLayer"] for each in recorded] == [recorded[0]["topLayer"]] * 2

    # An image that named none is given one by force, and then knows it.
    _run(CNBKIT, "rebase", "--publish", unnamed, "--run-image", run, "--force")
    assert _metadata(unnamed)["runImage"]["image"] == run
    assert "current" in _run(CNBKIT, "rebase", "--publish", unnamed)


def test_images_are_rebased_alike_by_cnbkit_pack_and_kpack_and_no_layer_travels(
    kpack: Path, tmp_path: Path
) -> None:
    pack = ensure_pack(Home.default(), arch=ARCH, progress=print)
    tools = Tools(pack, kpack.with_name("rebase"))
    found = measure_published(2, 1, tools, tmp_path)  # which compares the images' layers
    assert [each.images for each in found] == [2] * 4
    # The app has a layer of a megabyte, and the run image more.
    assert [each.tool for each in found if not 0 < each.sent + each.received < 500_000] == []
    assert rebased_published(found).count("| 2 |") == 4
