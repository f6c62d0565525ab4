"""The list of installed packages where the cache that held it is gone."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import OpenLayer

__all__ = ["restore_record"]


def restore_record(site: OpenLayer, lock: OpenLayer) -> None:
    """Have `packages.json` again, with names, versions and folders from the image's metadata.

    Args:
        site: the layer of the previous image that is re-used.
        lock: gets the file if it has none.
    """
    path = f"{lock.directory}/packages.json"
    if os.path.exists(path):
        return
    import json

    noted = site.old.get("note", {}).get("packages", [])
    fields = ("requires", "packages", "folders")
    entries = [
        {"name": name, "version": version, "directory": folder, **{field: [] for field in fields}}
        for name, version, folder in (str(line).split(" ", 2) for line in noted)
    ]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(entries, file)
