"""An image in a registry is put on another run image there, by the real rebaser, or stays."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import PlatformFault
from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.build.rebase import Rebase
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.layer import Entry
from cnbkit_engine.oci.layout import Layout
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.oci.types import Descriptor
from cnbkit_engine.state.home import Home
from cnbkit_engine.testing.docker import LocalRegistry

from ...guarded_registry import GuardedRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_METADATA = "io.buildpacks.lifecycle.metadata"


@pytest.fixture(scope="module")
def registry(crane: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    made = LocalRegistry(crane, tmp_path_factory.mktemp("registry"))
    yield made.host
    made.stop()


@pytest.fixture(scope="module")
def images(registry: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """References by what they are, with the digest of each: run, patched, app."""
    store = ImageStore(Home.default().images)
    run = Image.from_store(store, BaseImages(Home.default(), store).ensure_run_image())
    folder = tmp_path_factory.mktemp("images")
    Remote(f"{registry}/run:1").push(store.path, store.resolve(run.name))
    return {
        "run": f"{registry}/run:1",
        "patched": _derived(run, f"{registry}/run:2", Entry("/etc/patched", b"1\n"), folder),
        "app": _derived(run, f"{registry}/app:1", Entry("/workspace/app", b"1\n"), folder),
    }


def _derived(base: Image, reference: str, entry: Entry, folder: Path, run_image: str = "") -> str:
    """An image of one layer more, as the lifecycle records it; its lower layers are there."""
    layout = Layout(folder / reference.rpartition("/")[2].replace(":", "-"))
    layer = layout.layer([entry])
    host = reference.partition("/")[0]
    metadata = {
        "app": [{"sha": layer.diff_id}],
        "runImage": {"topLayer": base.layers[-1].diff_id, "image": run_image or f"{host}/run:1"},
    }
    settings = dict(base.config.get("config") or {})
    settings["Labels"] = {**base.labels, _METADATA: json.dumps(metadata)}
    image = layout.image(
        {**base.config, "config": settings}, [layer], list(base.manifest["layers"])
    )
    store = ImageStore(Home.default().images)
    for each in base.layers:
        (layout.path / "blobs" / each.digest.replace(":", "/")).hardlink_to(
            store.blob_path(each.digest)
        )
    layout.finish(image)
    Remote(reference).push(layout.path, Descriptor.parse(image))
    return reference


def _layers(reference: str, folder: Path) -> list[str]:
    Remote(reference).pull(folder, machine_architecture())
    store = ImageStore(folder)
    return [each.digest for each in Image.from_store(store, store.names()[0]).layers]


def test_an_image_in_a_registry_gets_the_new_layers_below_its_own(
    images: dict[str, str], tmp_path: Path
) -> None:
    before = _layers(images["app"], tmp_path / "before")
    base = _layers(images["patched"], tmp_path / "patched")
    digest = Rebase(images["app"], images["patched"], publish=True, force=True).run(Home.default())
    assert digest.startswith("sha256:")
    assert Remote(images["app"]).digest() == digest
    assert _layers(images["app"], tmp_path / "after") == [*base, before[-1]]
    # Without a name it is the newest of the name the image stands on.
    store = ImageStore(Home.default().images)
    run = BaseImages(Home.default(), store).ensure_run_image()
    Remote(images["patched"]).push(store.path, store.resolve(run))
    Rebase(images["app"], publish=True).run(Home.default())
    assert _layers(images["app"], tmp_path / "back") == before


@pytest.mark.parametrize(
    ("name", "run_image", "said"),
    [
        ("none:1", "run:1", "access image to rebase"),
        ("app:1", "gone:1", "failed to access run image"),
        ("app:1", "127.0.0.1:9/run:1", "127.0.0.1:9"),
    ],
)
def test_what_cannot_be_rebased_stays_as_it_was(
    images: dict[str, str], registry: str, name: str, run_image: str, said: str
) -> None:
    before = Remote(images["app"]).digest()
    other = run_image if "/" in run_image else f"{registry}/{run_image}"
    with pytest.raises(PlatformFault, match="was not rebased, and is as it was") as caught:
        Rebase(f"{registry}/{name}", other, publish=True, force=True).run(Home.default())
    assert said in (caught.value.detail or "")
    assert Remote(images["app"]).digest() == before


def test_each_registry_is_sent_its_own_credentials(
    registry: str, images: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ImageStore(Home.default().images)
    run = Image.from_store(store, BaseImages(Home.default(), store).ensure_run_image())
    with closing(GuardedRegistry(registry)) as apps, closing(GuardedRegistry(registry)) as bases:
        other = f"{bases.host}/{images['patched'].partition('/')[2]}"
        entry = Entry("/workspace/app", b"2\n")
        _derived(run, f"{registry}/app:2", entry, tmp_path / "image", other)
        name = f"{apps.host}/app:2"
        before = Remote(f"{registry}/app:2").digest()
        apps.login, bases.login = "me:of-apps", "me:of-bases"
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

        def log_in(*guards: GuardedRegistry) -> None:
            known = {each.host: {"auth": each.header().partition(" ")[2]} for each in guards}
            (tmp_path / "config.json").write_text(json.dumps({"auths": known}))

        log_in(apps)
        with pytest.raises(PlatformFault, match="was not rebased, and is as it was") as caught:
            Rebase(name, publish=True, force=True).run(Home.default())
        assert f"{other}: the registry refuses: HTTP status 401" in (caught.value.detail or "")
        assert f"docker login {bases.host}" in (caught.value.remedy or "")
        assert Remote(f"{registry}/app:2").digest() == before
        log_in(apps, bases)
        digest = Rebase(name, publish=True, force=True).run(Home.default())
    assert Remote(f"{registry}/app:2").digest() == digest


def test_the_command_says_the_new_digest(images: dict[str, str]) -> None:
    from click.testing import CliRunner

    from cnbkit_engine.cli.group import cnbkit

    arguments = ["rebase", images["app"], "--publish", "--force", "--run-image", images["patched"]]
    done = CliRunner().invoke(cnbkit, arguments)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == f"{images['app']}  {Remote(images['app']).digest()}"
