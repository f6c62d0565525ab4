"""An image's layers as folders, unpacked once and kept for whoever starts it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault
from cnbkit_engine.oci.awaited import await_all
from cnbkit_engine.oci.store import DigestMismatch
from cnbkit_engine.oci.unpack import unpack_layer
from cnbkit_engine.state.disk import disk_fault
from cnbkit_engine.state.locks import Held
from cnbkit_engine.state.tree_record import is_sound, record_tree
from cnbkit_engine.state.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cnbkit_engine.oci.image import Image, Layer
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.state.home import Home

__all__ = ["diff_id_of", "ensure_layer", "held_layers", "unpacked_place"]

# Layers unpacked at once: what inflates and hashes them lets others run meanwhile.
_AT_ONCE = 4


def ensure_layer(
    home: Home, store: ImageStore, layer: Layer, ids: tuple[int, int] | None = None
) -> Path:
    """The folder of an unpacked layer; unpacks it when nobody has yet.

    Two processes may do so at once: the folder appears in one step, and the second one's work is
    thrown away.

    Args:
        home: where it is unpacked.
        store: has it.
        layer: which.
        ids: uid and gid of the only one who may write in it what is writable; None for a folder
            in which all is. Each has a folder of its own.

    Raises:
        DigestMismatch: the blob is not the layer the image's config names.
        PlatformFault: it is damaged, hostile, or the disk refuses.
    """
    place = unpacked_place(home, layer, ids)
    if place.is_dir() and is_sound(place):
        return place
    with Workspace(home.layers) as workspace:
        home.layers.chmod(0o700)  # an image's files are not for others of this machine
        fresh = workspace / "layer"
        try:
            with store.open_for_reading(layer.descriptor) as blob:
                diff_id = unpack_layer(blob, fresh, ids)
        except OSError as error:
            raise disk_fault(error, "a layer cannot be unpacked", home.layers) from error
        except PlatformFault:
            _check_blob(store, layer)
            raise
        if diff_id != layer.diff_id:
            _check_blob(store, layer)
            raise DigestMismatch(
                f"the layer unpacks to {diff_id}, the image says {layer.diff_id}",
                where=layer.digest,
                remedy="do not use this image; build it again, or ask who made it",
            )
        try:
            if place.exists() and not is_sound(place):
                place.rename(workspace / "damaged")
            record_tree(fresh, place)
            fresh.rename(place)
        except OSError as error:
            if not place.is_dir():
                raise disk_fault(error, "a layer cannot be unpacked", place) from error
    return place


def unpacked_place(home: Home, layer: Layer, ids: tuple[int, int] | None = None) -> Path:
    """Where `ensure_layer` has it, or will."""
    own = f"-{ids[0]}-{ids[1]}" if ids else ""
    return home.layers / f"{layer.diff_id.removeprefix('sha256:')}{own}"


def diff_id_of(place: Path) -> str:
    """Which layer a folder is from that `ensure_layer` made."""
    return f"sha256:{place.name.partition('-')[0]}"


@contextmanager
def held_layers(
    home: Home,
    store: ImageStore,
    image: Image,
    ids: tuple[int, int] | None = None,
    show: Callable[[str], None] = lambda _: None,
) -> Iterator[None]:
    """Have an image's layers unpacked side by side, and keep `prune` from removing them.

    Args:
        home: where they are unpacked.
        store: has them.
        image: whose they are.
        ids: as of `ensure_layer`.
        show: told from time to time how many there are by now.

    Raises:
        PlatformFault: as `ensure_layer`.
    """
    with Held() as held, ThreadPoolExecutor(_AT_ONCE) as pool:
        tasks = [pool.submit(_hold, held, home, store, each, ids) for each in image.layers]
        await_all(tasks, lambda done: show(f"  {done} of {len(tasks)} layers are unpacked"))
        for task in tasks:
            task.result()
        yield


def _hold(
    held: Held, home: Home, store: ImageStore, layer: Layer, ids: tuple[int, int] | None
) -> None:
    try:
        while not held.take(ensure_layer(home, store, layer, ids)):
            pass  # pruned in between: unpack it again
    except OSError as error:
        place = unpacked_place(home, layer, ids)
        raise disk_fault(error, "a layer cannot be read", place) from error


def _check_blob(store: ImageStore, layer: Layer) -> None:
    """Tell a damaged file from a hostile or foreign one.

    Raises:
        DigestMismatch: the file is damaged; it has been put aside.
    """
    blob = layer.descriptor
    if store.blob_path(blob.digest).exists() and not store.blobs.is_whole(blob, content=True):
        raise store.blobs.put_aside(blob.digest)
