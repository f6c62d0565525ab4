"""SBOM documents of a layer, of the image and of the build."""

from __future__ import annotations

import json

from cnbkit.errors import BuildpackFault
from cnbkit.spec.sbom import FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["checked"]


def checked(kind: str, document: Mapping[str, Any] | str | bytes, buildpack: str) -> bytes:
    """A document's bytes, once the lifecycle would take it.

    Args:
        kind: "cdx", "spdx" or "syft".
        document: JSON, or what becomes it.
        buildpack: the buildpack's folder; its descriptor has to declare the format. Empty for
            none to check against.

    Raises:
        BuildpackFault: not JSON, or the format is not declared.
    """
    if kind not in FORMATS:
        raise BuildpackFault(
            f"{kind!r} is not an SBOM format", remedy=f"use one of {', '.join(FORMATS)}"
        )
    declared = _declared(buildpack)
    if declared is not None and FORMATS[kind] not in declared:
        raise BuildpackFault(
            f"the SBOM format {FORMATS[kind]} is not declared, so the lifecycle would refuse it",
            where=f"{buildpack}/buildpack.toml",
            remedy=f'add it: [buildpack] sbom-formats = ["{FORMATS[kind]}"]',
        )
    try:
        if isinstance(document, str | bytes):
            data = document.encode() if isinstance(document, str) else document
        else:
            data = (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
        if not isinstance(json.loads(data), dict):
            raise TypeError("it is not an object")
        return data
    except (TypeError, ValueError) as error:
        raise BuildpackFault(
            f"the {kind} SBOM is not JSON: {error}", remedy="give a JSON document"
        ) from None


def _declared(buildpack: str) -> list[str] | None:
    from cnbkit.spec.toml import decode

    path = f"{buildpack}/buildpack.toml"
    try:
        with open(path, "rb") as file:
            table = decode(file.read(), name="buildpack.toml", where=path).get("buildpack", {})
    except OSError:
        return None
    formats = table.get("sbom-formats", []) if isinstance(table, dict) else []
    return [str(each).partition(";")[0].strip() for each in formats]
