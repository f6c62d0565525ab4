"""What an environment's packages are, for its layer's bill of materials."""

from __future__ import annotations

import json
import os

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from cnbkit import Component, OpenLayer, bill_of_materials

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["describe"]

_ARCHIVES = (".conda", ".tar.bz2")


def describe(layer: OpenLayer, prefix: str, public: str) -> None:
    """Give a layer documents that list what is installed in its prefix.

    Python packages among them are conda's here: `pip` lists only what it installs itself.

    Args:
        layer: a layer that was filled just now.
        prefix: where the packages are; its conda-meta says which.
        public: the address below which channels are that have a name.
    """
    folder = f"{prefix}/conda-meta"
    found = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".json"):
            with open(f"{folder}/{name}", encoding="utf-8") as file:
                found.append(_component(json.load(file), public))
    for kind, document in bill_of_materials(found).items():
        layer.sbom(kind, document)


def _component(record: dict[str, Any], public: str) -> Component:
    expression, others = _licence(record.get("license") or "")
    url = record.get("url") or ""
    kind = next((each[1:] for each in _ARCHIVES if url.endswith(each)), "")
    return Component(
        type="conda",
        name=record["name"],
        version=record["version"],
        # The qualifiers that purl-spec has for conda.
        qualifiers={
            "build": record.get("build") or "",
            "channel": _channel(record.get("channel") or "", public),
            "subdir": record.get("subdir") or "",
            "type": kind,
        },
        licence=expression,
        licences=others,
        sha256=record.get("sha256") or "",
    )


def _channel(address: str, public: str) -> str:
    """A channel's name, if it has one; its address otherwise."""
    return address.removeprefix(f"{public.rstrip('/')}/").strip("/")


def _licence(text: str) -> tuple[str, tuple[str, ...]]:
    """An SPDX expression, or the recipe's own words: conda lets people write what they like."""
    try:
        return canonicalize_license_expression(text), ()
    except InvalidLicenseExpression:
        return "", (text.strip()[:100],) if text.strip() else ()
