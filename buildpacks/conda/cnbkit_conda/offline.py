"""A folder of the app with packages, as a channel."""

from __future__ import annotations

import asyncio
import os
import shutil
import warnings
from pathlib import Path

from cnbkit import BuildContext

__all__ = ["offline_channel"]

_SUBDIRS = ("linux-64", "linux-aarch64", "noarch")


def offline_channel(ctx: BuildContext, name: str) -> str:
    """The address of a channel with these packages; indexed, where it is not, in a copy."""
    folder = f"{ctx.app.root}/{name}"
    present = [each for each in _SUBDIRS if os.path.isdir(f"{folder}/{each}")]
    if all(os.path.exists(f"{folder}/{each}/repodata.json") for each in {*present, "noarch"}):
        return f"file://{folder}"
    from rattler.index import index_fs

    copy = f"{ctx.scratch}/{name}"
    shutil.rmtree(copy, ignore_errors=True)
    for subdir in {*present, "noarch"}:
        os.makedirs(f"{copy}/{subdir}")
        for file in os.listdir(f"{folder}/{subdir}") if subdir in present else []:
            if file.endswith((".conda", ".tar.bz2")):
                shutil.copyfile(f"{folder}/{subdir}/{file}", f"{copy}/{subdir}/{file}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asyncio.run(index_fs(Path(copy), write_zst=False, write_shards=False))
    return f"file://{copy}"
