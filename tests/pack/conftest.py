"""Builders and images to try pack on. One engine and one registry serve the whole session."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit_engine.base.images import BaseImages
from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.lifecycle.archive import write_lifecycle
from cnbkit_engine.lifecycle.install import ensure_lifecycle
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.layer import Entry
from cnbkit_engine.oci.layout import Layout
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.oci.types import Descriptor
from cnbkit_engine.state.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cnbkit_engine.testing.pack_services import PackServices

    Derive = Callable[..., str]

ROOT = Path(__file__).resolve().parents[2]
OWNER = ("CNB_USER_ID=1000", "CNB_GROUP_ID=1000", f"CNB_STACK_ID={DEFAULT.stack}")


@pytest.fixture(scope="session")
def lifecycle_archive(
    tmp_path_factory: pytest.TempPathFactory, pack_services: PackServices
) -> Path:
    """The lifecycle as builders take it."""
    archive = tmp_path_factory.mktemp("lifecycle") / "lifecycle.tgz"
    write_lifecycle(ensure_lifecycle(Home.default(), arch=pack_services.arch), archive)
    return archive


@pytest.fixture(scope="session")
def derive(tmp_path_factory: pytest.TempPathFactory, pack_services: PackServices) -> Derive:
    """Pushes an image that is another one with a layer more.

    `derive(base, name, entries, labels={}, env=[])`; `base` is in the registry.
    """

    def make(
        base: str,
        name: str,
        entries: Sequence[Entry] = (),
        *,
        labels: dict[str, str] | None = None,
        env: Sequence[str] = (),
    ) -> str:
        folder = tmp_path_factory.mktemp("derived")
        store = ImageStore(folder / "base")
        Remote(base).pull(store.path, pack_services.arch)
        image = Image.from_store(store, store.names()[0])
        layout = Layout(folder / "layout")
        for layer in image.layers:
            layout.adopt(store.blob_path(layer.digest))
        config: dict[str, Any] = json.loads(json.dumps(dict(image.config)))
        config["config"]["Labels"] = {**image.labels, **(labels or {})}
        config["config"]["Env"] = [*(config["config"].get("Env") or ()), *env]
        made = layout.image(config, [layout.layer(entries)], list(image.manifest["layers"]))
        layout.finish(made)
        reference = f"{pack_services.registry}/{name}"
        Remote(reference).push(layout.path, Descriptor.parse(made))
        return reference

    return make


@pytest.fixture(scope="session")
def build_image(pack_services: PackServices, derive: Derive) -> str:
    """The run image as build image: it has Python, and is a tenth of the real one's size."""
    home = Home.default()
    root = BaseImages(home, ImageStore(home.images)).ensure_build_root()
    records = root / "usr/share/cnbkit/run-image"  # what buildpacks know the run image by
    entries = [Entry(f"/{path.relative_to(root)}") for path in (records.parent, records)]
    for path in sorted(records.iterdir()):
        entries += [Entry(f"/{path.relative_to(root)}", path, mode=0o644)]
    return derive(pack_services.run_image, "build:1", entries, env=OWNER)


@pytest.fixture(scope="session")
def builder(tmp_path_factory: pytest.TempPathFactory, build_image: str) -> Path:
    """builder.toml for apps with a requirements.txt."""
    names = ("python", "pip", "start")
    text = f'[build]\nimage = "{build_image}"\n'
    text += "".join(f'[[buildpacks]]\nuri = "{ROOT / "buildpacks" / name}"\n' for name in names)
    text += "[[order]]\n" + "".join(f'[[order.group]]\nid = "cnbkit/{name}"\n' for name in names)
    path = tmp_path_factory.mktemp("builder") / "builder.toml"
    path.write_text(text)
    return path
