"""The store's index.json: which name stands for which manifest; and the lock of what changes it."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault
from cnbkit_engine.oci.layout_files import write_index
from cnbkit_engine.oci.types import Descriptor
from cnbkit_engine.state.disk import disk_fault, read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["StoreIndex", "locked"]

_REF_NAME = "org.opencontainers.image.ref.name"
_LARGEST_INDEX = 256 << 20


class StoreIndex:
    """Names of a layout.

    Args:
        layout: the layout's folder.
    """

    def __init__(self, layout: Path) -> None:
        self._layout = layout

    def entries(self) -> dict[str, Descriptor]:
        """Manifests by name; of one without a name, by its digest.

        Raises:
            PlatformFault: the file is damaged, or the disk refuses.
        """
        path = self._layout / "index.json"
        try:
            text = read_regular(path, _LARGEST_INDEX)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise disk_fault(error, "cannot read the image store", path) from None
        try:
            items = json.loads(text)["manifests"]
            # Other tools may leave a manifest nameless; its digest is a name good enough.
            return {
                item.get("annotations", {}).get(_REF_NAME, item["digest"]): Descriptor.parse(item)
                for item in items
            }
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise PlatformFault(
                "the image store's index is damaged",
                where=str(path),
                remedy="run `cnbkit doctor --repair`; images are built anew",
            ) from error

    def write(self, entries: dict[str, Descriptor]) -> None:
        """Replace all."""
        write_index(self._layout, ((entry, {_REF_NAME: name}) for name, entry in entries.items()))


@contextmanager
def locked(layout: Path, kind: int) -> Iterator[None]:
    """Hold the store's lock.

    Args:
        layout: the layout's folder.
        kind: `fcntl.LOCK_SH` to claim a blob, `fcntl.LOCK_EX` to change names or to prune.

    Raises:
        PlatformFault: the disk refuses.
    """
    # A new descriptor each time: flock belongs to the open file, so this also keeps
    # threads of one process apart.
    try:
        handle = os.open(layout / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise disk_fault(error, "cannot write the image store", layout) from error
    try:
        fcntl.flock(handle, kind)
        yield
    except OSError as error:
        raise disk_fault(error, "cannot write the image store", layout) from error
    finally:
        os.close(handle)
