"""Images straight to a registry, which is all that a rebuild elsewhere has."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.build.cache import app_cache
from cnbkit_engine.lifecycle.install import ensure_crane
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.layer import Entry
from cnbkit_engine.oci.layout import Layout
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.types import Descriptor
from cnbkit_engine.state.home import Home
from cnbkit_pip.layers.partition import light_layer

from ..plain_registry import PlainRegistry
from .conftest import cnbkit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cnbkit_engine.oci.store import ImageStore

    from .conftest import Project


@pytest.fixture
def crane() -> Path:
    """The program that looks at registries as others do."""
    return ensure_crane(Home.default(), arch=machine_architecture())


@pytest.fixture
def registry(crane: Path) -> Iterator[str]:
    """Host and port of a registry that is not ours."""
    with subprocess.Popen(
        [crane, "registry", "serve", "--address", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        assert server.stdout is not None
        # "serving on port 40123"
        line = next(line for line in server.stdout if "port" in line)
        yield f"127.0.0.1:{line.split()[-1]}"
        server.terminate()


def test_a_published_image_is_rebuilt_from_the_registry_alone(
    project: Project, registry: str, crane: Path
) -> None:
    reference = f"{registry}/team/app:1"

    def publish() -> tuple[str, dict[str, Any]]:
        result = cnbkit("build", str(project.app), "--publish", reference, "--verbose")
        assert result.code == 0, result.output
        # What another machine has: no cache, no image of its own.
        shutil.rmtree(app_cache(project.home, Reference.parse(reference)))
        manifest = subprocess.run([crane, "manifest", reference], capture_output=True, check=True)
        document: dict[str, Any] = json.loads(manifest.stdout)
        return result.output, document

    project.write({"requirements.txt": "six==1.17.0\n", "app.py": "print('one')\n"})
    _, first = publish()
    project.write({"app.py": "print('two')\n"})
    output, second = publish()
    assert f"Reusing layer 'cnbkit/pip:{light_layer('six')}'" in output
    assert "Reusing layer 'cnbkit/pip:site'" in output
    old = [layer["digest"] for layer in first["layers"]]
    new = [layer["digest"] for layer in second["layers"]]
    assert len([digest for digest in new if digest not in old]) == 1, output


@pytest.mark.smoke
def test_what_is_published_is_rebuilt_rebased_and_runs(project: Project, tmp_path: Path) -> None:
    with closing(PlainRegistry()) as registry:
        reference = f"{registry.host}/team/app:1"
        project.write({"requirements.txt": "six==1.17.0\n"})
        kept: list[set[str]] = []
        for word in ("one", "two"):
            project.write({"app.py": f"import six\nprint({word!r}, six.__version__)\n"})
            result = cnbkit("build", str(project.app), "--publish", reference, "--verbose")
            assert result.code == 0, result.output
            kept.append({digest for name, digest in registry.blobs if name == "team/app"})
            # What another machine has: no cache, no image of its own.
            shutil.rmtree(app_cache(project.home, Reference.parse(reference)))
        assert f"Reusing layer 'cnbkit/pip:{light_layer('six')}'" in result.output
        # The app, the image's configuration and the list of what is in it.
        assert 2 <= len(kept[1] - kept[0]) <= 4, result.output

        patched = f"{registry.host}/team/run:2"
        _push_patched_run_image(project.store, patched, tmp_path)
        options = ("--run-image", patched, "--force", "--publish")
        rebased = cnbkit("rebase", reference, *options)
        assert rebased.code == 0, rebased.output
        Remote(reference).fetch(project.store, project.name, machine_architecture())
    assert project.run() == "two 1.17.0\n"
    assert len([layer for layer in project.image().layers if layer.kind == "base"]) == 2


def test_a_hook_that_needs_the_packages_sends_none_of_them_again(project: Project) -> None:
    with closing(PlainRegistry()) as registry:
        reference = f"{registry.host}/team/app:1"

        def publish() -> dict[str, str]:
            result = cnbkit("build", str(project.app), "--publish", reference, "--verbose")
            assert result.code == 0, result.output
            image = Remote(reference).blobs(machine_architecture())
            return {diff_id: blob.digest for diff_id, blob in image.items()}

        def sent() -> set[str]:
            return {digest for name, digest in registry.blobs if name == "team/app"}

        project.write({"requirements.txt": "six==1.17.0\n", "app.py": "import six\n"})
        before = publish()
        kept = sent()
        # The hook has them at build time: they go into the cache as well, which they did not.
        project.write({".cnbkit/post-build": "#!/bin/sh\npython3 -c 'import six'\n"})
        (project.app / ".cnbkit" / "post-build").chmod(0o755)
        after = publish()

        same = before.keys() & after.keys()
        assert len(same) >= len(before) - 3  # the app, and the lists of what is in the image
        assert {each: after[each] for each in same} == {each: before[each] for each in same}

        # A package more, with the hook there.
        project.write({"requirements.txt": "six==1.17.0\niniconfig==2.0.0\n"})
        more = publish()
        new = {blob for each, blob in more.items() if each not in before.keys() | after.keys()}
        assert new <= sent() - kept
        project.write({"requirements.txt": "six==1.17.0\n"})
        shutil.rmtree(project.app / ".cnbkit")
        assert publish() == before


def _push_patched_run_image(store: ImageStore, reference: str, folder: Path) -> None:
    """Our run image with a file more."""
    run = Image.from_store(store, f"cnbkit/run:{DEFAULT.name}")
    layout = Layout(folder / "patched")
    for each in run.layers:
        layout.adopt(store.blob_path(each.digest))
    layer = layout.layer([Entry("/etc/patched", b"CVE-1\n", mode=0o644)])
    manifest = layout.image(run.config, [layer], list(run.manifest["layers"]))
    layout.finish(manifest)
    Remote(reference).push(layout.path, Descriptor.parse(manifest))


def test_a_registry_that_cannot_be_reached_is_named(project: Project) -> None:
    project.write({"app.py": "print(1)\n"})
    nowhere = f"127.0.0.1:9/app-{uuid.uuid4().hex[:8]}"
    result = cnbkit("build", str(project.app), "--publish", nowhere)
    assert result.code == 69, result.output
    assert "127.0.0.1:9" in result.output
    assert "Error: " in result.output
    assert "Traceback" not in result.output
