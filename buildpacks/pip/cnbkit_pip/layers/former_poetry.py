"""Projects that name Poetry's build backend as it was called before Poetry 1.1.

Poetry never asks a project's backend, so what `poetry new` wrote years ago goes on working there.
Under that name there is no editable installation today, and it would install all of Poetry.
"""

from __future__ import annotations

import os
import re
import tomllib
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["poetrys_backend"]

_FORMER = "poetry.masonry.api"
_TODAY = '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
# From the table's name to the next table.
_TABLE = re.compile(r"^[ \t]*\[[ \t]*build-system[ \t]*\].*?(?=^[ \t]*\[|\Z)", re.M | re.S)


@contextmanager
def poetrys_backend(directory: str) -> Iterator[None]:
    """While a project is installed its pyproject.toml names the backend of today.

    Args:
        directory: of the project. A pyproject.toml that names another backend is left alone.
    """
    path = f"{directory}/pyproject.toml"
    try:
        with open(path, "rb") as file:
            before = file.read()
        backend = tomllib.loads(before.decode()).get("build-system", {}).get("build-backend")
    except (OSError, ValueError, AttributeError):
        backend = None
    if backend != _FORMER:
        yield
        return
    times = os.stat(path)
    _write(path, _TABLE.sub(lambda _: _TODAY, before.decode(), count=1).encode())
    try:
        yield
    finally:
        _write(path, before)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
