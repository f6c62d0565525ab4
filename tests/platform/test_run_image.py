"""A run image that is named has to be of the base that the app is built on."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import UserFault
from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.base.layer import store_image
from cnbkit_engine.base.recipe import BaseRecipe
from cnbkit_engine.base.suites import DEFAULT, SUITES, Suite
from cnbkit_engine.build.run_image import RunImages, base_of_run_image
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore

from ..plain_registry import PlainRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OTHER = next(suite for suite in SUITES.values() if suite is not DEFAULT)


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    """With a small run image of each suite."""
    made = ImageStore(tmp_path / "images")
    for suite in SUITES.values():
        archive = io.BytesIO()
        tarfile.open(fileobj=archive, mode="w").close()
        archive.seek(0)
        recipe = BaseRecipe("run", machine_architecture(), suite=suite)
        made.put_manifest(f"cnbkit/run:{suite.name}", *store_image(archive, recipe, made))
    return made


@pytest.fixture
def name(store: ImageStore) -> Iterator[str]:
    """A run image of the suite that is not the default one, in a registry."""
    registry = PlainRegistry()
    reference = f"{registry.host}/team/run:1"
    Remote(reference).push(store.path, store.resolve(f"cnbkit/run:{OTHER.name}"))
    yield reference
    registry.close()


def _named(store: ImageStore, name: str, suite: Suite) -> RunImages:
    own = f"cnbkit/run:{suite.name}"
    return RunImages(store, own, [], name, machine_architecture(), False, (), print, suite)


def test_one_of_another_base_is_refused_wherever_the_image_goes(
    store: ImageStore, name: str
) -> None:
    target = Reference.parse(name.replace("run:1", "app:1"))
    wrong = _named(store, name, DEFAULT)
    with pytest.raises(UserFault, match=f"of Debian {OTHER.version}, the build") as caught:
        wrong.in_registry(target, "store")
    assert caught.value.remedy == f"build with --base {OTHER.name}"
    with pytest.raises(UserFault, match=f"of Debian {OTHER.version}, the build"):
        wrong.in_store("store")

    right = _named(store, name, OTHER)
    assert right.in_registry(target, "store").reference == name
    assert right.in_store("store").reference.endswith("/team/run:1")


def test_the_base_is_that_of_the_run_image_that_is_named(store: ImageStore, name: str) -> None:
    arch = machine_architecture()
    assert base_of_run_image(store, name, arch, ()) == OTHER.name
    assert base_of_run_image(store, "", arch, ()) == ""
    assert base_of_run_image(store, name.replace("run:1", "none:1"), arch, ()) == ""
