"""Projects of Poetry's that name no build backend, or Poetry's as it was called before Poetry 1.1.

Poetry never asks a project's backend, so what was written years ago, or by hand, goes on working
there. Without one others take setuptools, which knows neither name nor code from Poetry's table.
Under the former name there is no editable installation today, and it would install all of Poetry.
"""

from __future__ import annotations

import os
import re
import tomllib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["poetrys_backend"]

_FORMER = "poetry.masonry.api"
_TODAY = '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
# From the table's name to the next table.
_TABLE = re.compile(r"^[ \t]*\[[ \t]*build-system[ \t]*\].*?(?=^[ \t]*\[|\Z)", re.M | re.S)


@contextmanager
def poetrys_backend(directory: str, *, app: bool) -> Iterator[None]:
    """While a project of Poetry's is installed its pyproject.toml names the backend of today.

    Args:
        directory: of the project. A pyproject.toml that names another backend is left alone.
        app: it is the app itself. What an app's parts do not name, Poetry has setuptools build.
    """
    path = f"{directory}/pyproject.toml"
    try:
        with open(path, "rb") as file:
            before = file.read()
        text = before.decode()
        document = tomllib.loads(text)
        if "build-system" not in document:
            after = f"{text}\n{_TODAY}" if app and _named_by_poetry(document) else text
        elif document["build-system"].get("build-backend") == _FORMER:
            after = _TABLE.sub(lambda _: _TODAY, text, count=1)
        else:
            after = text
    except (OSError, ValueError, AttributeError):
        yield
        return
    if after == text:
        yield
        return
    times = os.stat(path)
    _write(path, after.encode())
    try:
        yield
    finally:
        _write(path, before)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _named_by_poetry(document: dict[str, Any]) -> bool:
    poetry = document.get("tool", {}).get("poetry", {})
    return "name" in poetry and "project" not in document


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
