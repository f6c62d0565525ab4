"""An image by the name a person gives: of the store, or oci:DIR of another layout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit.errors import UserFault
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore

if TYPE_CHECKING:
    from cnbkit_engine.state.home import Home

__all__ = ["open_image"]


def open_image(home: Home, name: str) -> tuple[ImageStore, Image]:
    """Find an image in the store or, by `oci:DIR[:NAME]`, in another OCI layout.

    Raises:
        UnknownImage: there is no such image.
        UserFault: DIR is not an OCI layout, or holds several images and none is named.
    """
    if not name.startswith("oci:"):
        store = ImageStore(home.images)
        return store, Image.from_store(store, name)
    folder, _, wanted = name.removeprefix("oci:").partition(":")
    if not (Path(folder) / "oci-layout").is_file():
        raise UserFault(
            "not an OCI image layout",
            where=folder,
            remedy="name the folder that holds the file 'oci-layout'",
        )
    store = ImageStore(Path(folder), own=False)
    names = store.names()
    if not wanted and len(names) != 1:
        raise UserFault(
            "the layout does not hold just one image",
            where=folder,
            remedy=f"say which: oci:{folder}:NAME, of " + (", ".join(names) or "none"),
        )
    return store, Image.from_store(store, wanted or names[0])
