"""Images whose layers are compressed by zstd: what they are, and that all that reads images can."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.build.cache import app_cache
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.layer import Entry
from cnbkit_engine.oci.layout import Layout
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.types import GZIP_LAYER, ZSTD_LAYER, Descriptor
from cnbkit_pip.layers.partition import light_layer

from ..plain_registry import PlainRegistry
from .conftest import cnbkit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Project

ARCH = machine_architecture()
RUN_IMAGE = f"cnbkit/run:{DEFAULT.name}"


@pytest.fixture
def registry() -> Iterator[PlainRegistry]:
    """A registry that is not ours."""
    with closing(PlainRegistry()) as served:
        yield served


def publish(project: Project, reference: str, *options: str) -> str:
    """Build and publish as a machine does that has no cache; what was printed."""
    shutil.rmtree(app_cache(project.home, Reference.parse(reference)), ignore_errors=True)
    result = cnbkit("build", str(project.app), "--publish", reference, "--verbose", *options)
    assert result.code == 0, result.output
    return result.output


def zstd(project: Project, reference: str, *options: str) -> str:
    return publish(project, reference, "--compression", "zstd", *options)


def manifest(reference: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Remote(reference).manifest(ARCH)[1])
    return found


def own_layers(project: Project, reference: str) -> list[Descriptor]:
    """The layers that are not the run image's."""
    base = {layer.diff_id for layer in Image.from_store(project.store, RUN_IMAGE).layers}
    blobs = Remote(reference).blobs(ARCH)
    assert base <= blobs.keys()
    return [blob for diff_id, blob in blobs.items() if diff_id not in base]


def test_it_is_the_same_image_in_other_bytes_and_another_tool_finds_it_whole(
    project: Project, registry: PlainRegistry, tmp_path: Path
) -> None:
    project.write({"requirements.txt": "six==1.17.0\n", "app.py": "import six\n"})
    gzip, packed = (f"{registry.host}/team/{name}:1" for name in ("gzip", "zstd"))
    publish(project, gzip)
    output = zstd(project, packed)
    assert Remote(packed).digest() in output

    assert [*Remote(packed).blobs(ARCH)] == [*Remote(gzip).blobs(ARCH)]
    assert manifest(packed)["config"]["digest"] == manifest(gzip)["config"]["digest"]
    assert ZSTD_LAYER not in {blob.media_type for blob in Remote(gzip).layers(ARCH)}
    own = own_layers(project, packed)
    assert {blob.media_type for blob in own} == {ZSTD_LAYER}
    base = [blob for blob in Remote(packed).layers(ARCH) if blob not in own]
    assert {blob.media_type for blob in base} == {GZIP_LAYER}
    assert {blob.digest for blob in base} < {blob.digest for blob in Remote(gzip).layers(ARCH)}

    command = ["skopeo", "copy", "--src-tls-verify=false", "--dest-decompress"]
    plain = tmp_path / "plain"
    copied = subprocess.run(
        [*command, f"docker://{packed}", f"dir:{plain}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert copied.returncode == 0, copied.stderr
    found = {hashlib.sha256(path.read_bytes()).hexdigest() for path in plain.iterdir()}
    assert {diff_id.removeprefix("sha256:") for diff_id in Remote(packed).blobs(ARCH)} <= found


def test_what_did_not_change_is_taken_over_and_a_first_build_makes_the_same_bytes(
    project: Project, registry: PlainRegistry
) -> None:
    reference, anew = f"{registry.host}/team/app:1", f"{registry.host}/team/anew:1"
    second = f"{registry.host}/team/app:2"
    project.write({"requirements.txt": "six==1.17.0\n", "app.py": "print('one')\n"})
    zstd(project, reference)
    before = {digest for name, digest in registry.blobs if name == "team/app"}
    project.write({"app.py": "print('two')\n"})
    output = zstd(project, reference, "--publish", second)
    assert f"Reusing layer 'cnbkit/pip:{light_layer('six')}'" in output
    sent = {digest for name, digest in registry.blobs if name == "team/app"} - before
    # The app, the image's configuration and the list of what is in it.
    assert 2 <= len(sent) <= 4, output
    assert Remote(second).digest() == Remote(reference).digest()
    zstd(project, anew, "--clear-cache")
    assert Remote(anew).digest() == Remote(reference).digest()

    # Asked for otherwise, nothing of it is used: it would be called what it is not.
    output = publish(project, reference)
    assert "compressed otherwise" in output
    assert ZSTD_LAYER not in {blob.media_type for blob in Remote(reference).layers(ARCH)}
    output = zstd(project, reference)
    assert "compressed otherwise" in output
    assert Remote(anew).digest() == Remote(reference).digest()


def test_it_runs_is_looked_into_and_put_on_another_run_image(
    project: Project, registry: PlainRegistry, tmp_path: Path
) -> None:
    reference, run_image = f"{registry.host}/team/app:1", f"{registry.host}/base/run:1"
    project.write(
        {"requirements.txt": "six==1.17.0\n", "app.py": "import six\nprint(six.__version__)\n"}
    )
    # The run image lies in another repository: the registry has its layers already.
    zstd(project, reference, "--run-image", run_image)
    own = own_layers(project, reference)

    patched = f"{registry.host}/base/run:2"
    _push_patched_run_image(project, patched, tmp_path)
    result = cnbkit("rebase", reference, "--run-image", patched, "--force", "--publish")
    assert result.code == 0, result.output
    layers = Remote(reference).layers(ARCH)
    assert [blob for blob in layers if blob.media_type == ZSTD_LAYER] == own

    Remote(reference).fetch(project.store, project.name, ARCH)
    assert project.run() == "1.17.0\n"
    listed = cnbkit("sbom", project.name)
    assert listed.code == 0
    assert "six" in listed.output
    told = cnbkit("inspect", project.name)
    assert told.code == 0
    assert light_layer("six") in told.output


def _push_patched_run_image(project: Project, reference: str, folder: Path) -> None:
    run = Image.from_store(project.store, RUN_IMAGE)
    layout = Layout(folder / "patched")
    for each in run.layers:
        layout.adopt(project.store.blob_path(each.digest))
    layer = layout.layer([Entry("/etc/patched", b"CVE-1\n", mode=0o644)])
    made = layout.image(run.config, [layer], list(run.manifest["layers"]))
    layout.finish(made)
    Remote(reference).push(layout.path, Descriptor.parse(made))


def test_it_goes_with_a_registry(project: Project) -> None:
    project.write({"app.py": "print(1)\n"})
    result = cnbkit("build", str(project.app), "--compression", "zstd")
    assert result.code == 2
    assert "--compression goes with --publish" in result.output
