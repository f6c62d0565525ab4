"""Packages that are not Python's: of conda and Debian, by the bills of their layers."""

from __future__ import annotations

import os

from cnbkit_policy.package import Package
from cnbkit_python_inputs.requirements import normalised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["bills", "others"]

_KINDS = {"pkg:conda/": "conda", "pkg:deb/": "Debian"}
_SUFFIX = ".sbom.cdx.json"


def bills(layers: str) -> list[str]:
    """Paths of the bills that buildpacks have left for this image.

    Args:
        layers: the folder with a folder for each buildpack.
    """
    found = []
    for buildpack in sorted(os.listdir(layers)):
        folder = f"{layers}/{buildpack}"
        if os.path.isdir(folder):
            names = sorted(name for name in os.listdir(folder) if name.endswith(_SUFFIX))
            found += [f"{folder}/{name}" for name in names]
    return found


def others(layers: str) -> list[tuple[str, Package]]:
    """Each such package, with where it is from: conda or Debian."""
    import json

    found: dict[str, tuple[str, Package]] = {}
    for path in bills(layers):
        try:
            with open(path, encoding="utf-8") as file:
                document: Any = json.load(file)
            components = document["components"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue  # of a buildpack that writes something else
        for each in components if isinstance(components, list) else ():
            purl = str(each.get("purl", "")) if isinstance(each, dict) else ""
            kind = next((kind for start, kind in _KINDS.items() if purl.startswith(start)), "")
            if kind:
                found.setdefault(purl, (kind, _package(each)))
    return [found[purl] for purl in sorted(found)]


def _package(component: dict[str, Any]) -> Package:
    return Package(
        normalised(str(component.get("name", ""))),
        str(component.get("version", "")),
        license=_licence(component.get("licenses")),
        installed=True,
    )


def _licence(entries: Any) -> str:
    """What it says: an expression, or several licences, each of which holds for a part."""
    found = []
    for each in entries if isinstance(entries, list) else ():
        licence = each.get("license", {}) if isinstance(each, dict) else {}
        said = each.get("expression") if isinstance(each, dict) else ""
        if not said and isinstance(licence, dict):
            said = licence.get("id") or licence.get("name")
        if said:
            found.append(str(said))
    return found[0] if len(found) == 1 else "; ".join(found)
