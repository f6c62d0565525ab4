"""The bills of materials that an image carries (Platform API, "Software-Bill-of-Materials")."""

from __future__ import annotations

import json
import tarfile
import zlib
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from cnbkit.errors import UserFault
from cnbkit_engine.oci.unpack import open_layer

if TYPE_CHECKING:
    from cnbkit_engine.oci.image import Image
    from cnbkit_engine.oci.store import ImageStore

__all__ = ["SBOM_LABEL", "components", "documents", "read_documents"]

SBOM_LABEL = "io.buildpacks.lifecycle.metadata"
"""The label that says which layer of an image holds them."""

# Beside them the lifecycle writes a sbom.legacy.json, which is empty.
_NAMES = ("sbom.cdx.json", "sbom.spdx.json", "sbom.syft.json")
_LARGEST = 256 << 20  # bytes of all documents of an image


def documents(store: ImageStore, image: Image) -> dict[str, bytes]:
    """All documents in an image, by path: `layers/sbom/launch/cnbkit_pip/site/sbom.cdx.json`.

    Raises:
        UserFault: a layer with documents is damaged, or they are larger than any.
    """
    found: dict[str, bytes] = {}
    for layer in image.layers:
        if layer.kind != "sbom":
            continue
        try:
            with store.blob_path(layer.digest).open("rb") as file:
                found.update(read_documents(file))
        except (EOFError, OSError, ValueError, tarfile.TarError, zlib.error) as error:
            raise UserFault(
                f"the bills of materials of {image.name} cannot be read: {error}",
                where=layer.digest,
                remedy="build the image again",
            ) from None
    return found


def read_documents(layer: IO[bytes]) -> dict[str, bytes]:
    """All documents in a layer of them, by path.

    Raises:
        UserFault: they are larger than any.
        EOFError, OSError, ValueError, tarfile.TarError, zlib.error: it is damaged.
    """
    found = {}
    left = _LARGEST
    with open_layer(layer) as archive:
        for member in archive:
            path = PurePosixPath(member.name.lstrip("/"))
            file = archive.extractfile(member) if member.isreg() else None
            if file is not None and path.name in _NAMES and ".." not in path.parts:
                left -= member.size
                if left < 0:
                    raise _unreadable(path, f"more than {_LARGEST >> 20} MB of them")
                found[str(path)] = file.read()
    return found


def components(bills: dict[str, bytes]) -> list[tuple[str, str, str, str]]:
    """Name, version, licence and layer of all that CycloneDX documents list, sorted.

    Raises:
        UserFault: a document is none.
    """
    rows = []
    for path, data in bills.items():
        if not path.endswith(".cdx.json"):
            continue
        layer = "/".join(PurePosixPath(path).parts[3:-1])
        try:
            for each in json.loads(data).get("components") or ():
                name, version = str(each.get("name", "")), str(each.get("version", ""))
                rows.append((name, version, _licence(each), layer))
        except (AttributeError, TypeError, ValueError, RecursionError) as error:
            raise _unreadable(path, f"{type(error).__name__}: {error}"[:500]) from None
    return sorted(rows)


def _unreadable(path: object, detail: str) -> UserFault:
    return UserFault(
        "a bill of materials of the image cannot be read",
        where=str(path)[:300],
        remedy="build the image again, or ask who made it",
        detail=detail,
    )


def _licence(component: dict[str, Any]) -> str:
    """Its licences in words; empty if it names none."""
    named = [
        each.get("expression") or licence.get("id") or licence.get("name") or ""
        for each in component.get("licenses") or ()
        for licence in [each.get("license") or {}]
    ]
    return ", ".join(str(each) for each in named if each)
