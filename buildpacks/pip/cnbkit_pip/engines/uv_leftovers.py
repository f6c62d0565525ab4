"""What uv leaves beside packages for its own use, and no image should have.

`uv_cache.json` in a package's metadata holds the time of the folder it was built from: the same app
copied anew would give another layer.
"""

from __future__ import annotations

import os
import shutil
from glob import escape, glob

__all__ = ["forget_pages", "remove_leftovers"]

_CACHE = "uv_cache.json"
# Of uv's cache: pages of indexes, and what it knows of interpreters.
_PAGES = ("simple-v*", "interpreter-v*")


def forget_pages(cache: str) -> None:
    """Have indexes asked again, where the cache is of a build that failed.

    What has been published since may be why it is tried again, and uv would take a page from its
    cache for as long as the index said, which is minutes. Files are what they were.

    Args:
        cache: uv's; need not be there.
    """
    for pattern in _PAGES:
        for path in glob(f"{escape(cache)}/{pattern}"):
            shutil.rmtree(path)


def remove_leftovers(prefix: str) -> None:
    """Take them out of a prefix, and out of each package's RECORD.

    Args:
        prefix: what `uv pip install --prefix` was given.
    """
    lock = f"{prefix}/.lock"
    if os.path.exists(lock):
        os.unlink(lock)
    for path in glob(f"{escape(prefix)}/lib/python*/site-packages/*.dist-info/{_CACHE}"):
        os.unlink(path)
        record = f"{os.path.dirname(path)}/RECORD"
        with open(record, encoding="utf-8", newline="") as file:
            lines = file.readlines()
        with open(record, "w", encoding="utf-8", newline="") as file:
            file.writelines(line for line in lines if f"/{_CACHE}," not in line)
