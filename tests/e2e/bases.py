"""Base images other than ours, made by the same recipe from lists that were changed."""

from __future__ import annotations

import shutil
import tarfile
from typing import TYPE_CHECKING

from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.base.recipe import RECIPES, BaseRecipe, Kind
from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["OtherBases", "home_on"]

_STATUS = "var/lib/dpkg/status"


class OtherBases(BaseImages):
    """The run image has more packages, the build image only what the apt buildpack needs.

    They are kept in a folder of their own, so that a machine makes them once.

    Args:
        lists: an empty folder for the lists.
        packages: what the run image has besides ours.
    """

    def __init__(self, lists: Path, packages: str) -> None:
        shutil.copytree(RECIPES, lists, dirs_exist_ok=True)
        with (lists / "run.txt").open("a") as file:
            file.write(f"\n{packages}\n")
        (lists / "build.txt").write_text("apt\ndpkg\nxz-utils\n")
        self._lists = lists
        home = Home(Home.default().base / "test-other")
        super().__init__(home, ImageStore(home.images))

    def _recipe(self, kind: Kind) -> BaseRecipe:
        return BaseRecipe(kind, self.arch, self._lists)

    def run_image(self) -> Image:
        """The run image."""
        return Image.from_store(self.store, self.ensure_run_image())

    def status(self) -> str:
        """Its database of packages."""
        (layer,) = self.run_image().layers
        with tarfile.open(self.store.blob_path(layer.digest)) as files:
            found = files.extractfile(_STATUS)
            assert found is not None
            return found.read().decode()


def home_on(folder: Path, source: ImageStore, run_image: str) -> Home:
    """A home whose run image is another one; all else of the default one is linked to.

    Args:
        folder: becomes the home; asked again it gets the other run image.
        source: has the run image.
        run_image: its name there.
    """
    default = Home.default()
    home = Home(folder)
    folder.mkdir(exist_ok=True)
    for name in ("base", "tools"):
        if not (folder / name).exists():
            (folder / name).symlink_to(default.root / name)
    store = ImageStore(home.images)
    image = source.resolve(run_image)
    for part in source.reachable(image):
        if not store.blob_path(part.digest).exists():
            store.put_blob(source.blob_path(part.digest).read_bytes())
    # Both names that builds look for: one of the recipe, so that none is made.
    name = f"cnbkit/run:{DEFAULT.name}"
    recipe = BaseRecipe("run", machine_architecture())
    for each in (name, f"{name}-{recipe.digest()}"):
        store.put_manifest(each, image.media_type, source.read_blob(image.digest))
    return home
