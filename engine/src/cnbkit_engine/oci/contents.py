"""What the bytes of a layer are: files, by the Python package or folder they belong to."""

from __future__ import annotations

import csv
import io
import posixpath
import re
import tarfile
import zlib
from typing import TYPE_CHECKING

from cnbkit.errors import UserFault
from cnbkit_engine.oci.unpack import open_layer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnbkit_engine.oci.image import Layer
    from cnbkit_engine.oci.store import ImageStore

__all__ = ["contents"]

_METADATA = re.compile(r"(.*/)?([A-Za-z0-9_.]+)-[^/]+\.dist-info/(.+)")
_LIMIT = 1 << 24  # bytes of a RECORD


def contents(store: ImageStore, layer: Layer) -> dict[str, int]:
    """Name → bytes uncompressed, the largest first.

    A file is its Python package's if one with a RECORD of it is in the same layer; else its
    folder's.

    Raises:
        UserFault: the layer is damaged.
    """
    sizes: dict[str, int] = {}
    owners: dict[str, str] = {}
    try:
        with store.blob_path(layer.digest).open("rb") as blob, open_layer(blob) as archive:
            for member in archive:
                path = posixpath.normpath(member.name).lstrip("./")
                if not member.isreg():
                    continue
                sizes[path] = sizes.get(path, 0) + member.size
                match = _METADATA.fullmatch(path)
                if not match:
                    continue
                package = match[2].replace("_", "-").lower()
                owners[path] = package
                if match[3] == "RECORD" and member.size < _LIMIT:
                    file = archive.extractfile(member)
                    owners |= _recorded(file.read() if file else b"", match[1] or "", package)
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise UserFault(
            f"a layer cannot be read: {error}",
            where=layer.digest,
            remedy="build the image again",
        ) from None
    return _grouped(sizes, owners)


def _recorded(data: bytes, folder: str, package: str) -> dict[str, str]:
    """Path → package, for all files of a RECORD."""
    rows = csv.reader(io.StringIO(data.decode("utf-8", errors="replace")))
    return {posixpath.normpath(folder + row[0]): package for row in rows if row}


def _grouped(sizes: Mapping[str, int], owners: Mapping[str, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for path, size in sizes.items():
        name = owners.get(path) or owners.get(_source(path)) or _folder(path)
        found[name] = found.get(name, 0) + size
    return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))


def _source(path: str) -> str:
    """Of bytecode that no RECORD has, the module."""
    match = re.fullmatch(r"(.*/)__pycache__/([^/]+?)\.cpython-\d+(?:\.opt-\d)?\.pyc", path)
    return f"{match[1]}{match[2]}.py" if match else ""


def _folder(path: str) -> str:
    """The folder below a buildpack's layer or the root that a file is in."""
    steps = path.split("/")
    start = 3 if steps[0] == "layers" else 1 if steps[0] == "workspace" else 0
    inner = steps[start:-1]
    return "/".join(inner[:3]) if inner else steps[-1]
