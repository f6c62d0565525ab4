"""The bills of materials that an image carries (Platform API, "Software-Bill-of-Materials")."""

from __future__ import annotations

import json
import tarfile
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from cnbkit.errors import UserFault

if TYPE_CHECKING:
    from cnbkit_engine.oci.image import Image
    from cnbkit_engine.oci.store import ImageStore

__all__ = ["SBOM_LABEL", "components", "documents", "read_documents"]

SBOM_LABEL = "io.buildpacks.lifecycle.metadata"
"""The label that says which layer of an image holds them."""

# Beside them the lifecycle writes a sbom.legacy.json, which is empty.
_NAMES = ("sbom.cdx.json", "sbom.spdx.json", "sbom.syft.json")


def documents(store: ImageStore, image: Image) -> dict[str, bytes]:
    """All documents in an image, by path: `layers/sbom/launch/cnbkit_pip/site/sbom.cdx.json`.

    Raises:
        UserFault: a layer with documents is damaged.
    """
    found: dict[str, bytes] = {}
    for layer in image.layers:
        if layer.kind != "sbom":
            continue
        try:
            with store.blob_path(layer.digest).open("rb") as file:
                found.update(read_documents(file))
        except (OSError, tarfile.TarError) as error:
            raise UserFault(
                f"the bills of materials of {image.name} cannot be read: {error}",
                where=layer.digest,
                remedy="build the image again",
            ) from None
    return found


def read_documents(layer: IO[bytes]) -> dict[str, bytes]:
    """All documents in a layer of them, by path.

    Raises:
        OSError, tarfile.TarError: it is damaged.
    """
    found = {}
    with tarfile.open(fileobj=layer) as archive:
        for member in archive:
            path = PurePosixPath(member.name.lstrip("/"))
            file = archive.extractfile(member) if member.isreg() else None
            if file is not None and path.name in _NAMES and ".." not in path.parts:
                found[str(path)] = file.read()
    return found


def components(bills: dict[str, bytes]) -> list[tuple[str, str, str, str]]:
    """Name, version, licence and layer of all that CycloneDX documents list, sorted."""
    rows = []
    for path, data in bills.items():
        if not path.endswith(".cdx.json"):
            continue
        layer = "/".join(PurePosixPath(path).parts[3:-1])
        for each in json.loads(data).get("components") or ():
            rows.append(  # noqa: PERF401 - two loops in one expression are hard to read
                (each.get("name", ""), each.get("version", ""), _licence(each), layer)
            )
    return sorted(rows)


def _licence(component: dict[str, Any]) -> str:
    """Its licences in words; empty if it names none."""
    named = [
        each.get("expression") or licence.get("id") or licence.get("name") or ""
        for each in component.get("licenses") or ()
        for licence in [each.get("license") or {}]
    ]
    return ", ".join(filter(None, named))
