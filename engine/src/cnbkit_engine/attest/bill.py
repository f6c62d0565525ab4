"""The bills of materials of an image as one CycloneDX document: scanners read one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CYCLONEDX", "SPDX", "joined"]

CYCLONEDX = "application/vnd.cyclonedx+json"
SPDX = "application/spdx+json"


def joined(bills: Mapping[str, bytes], name: str, digest: str) -> bytes:
    """All components of an image's CycloneDX documents; empty if it has none.

    Args:
        bills: documents by path.
        name: the image's name, without tag.
        digest: of its manifest.
    """
    components: dict[str, dict[str, Any]] = {}
    dependencies: dict[str, set[str]] = {}
    version = "1.4"
    for path, data in sorted(bills.items()):
        if not path.endswith(".cdx.json"):
            continue
        document = json.loads(data)
        version = max(version, str(document.get("specVersion", "")), key=_numbers)
        renamed = {}
        for each in document.get("components") or ():
            old = str(each.get("bom-ref") or "")
            # Documents may use one reference for different things.
            new = old if components.get(old, each) == each and old else f"{path}#{len(components)}"
            renamed[old] = new
            components.setdefault(new, {**each, "bom-ref": new})
        for each in document.get("dependencies") or ():
            ref = renamed.get(str(each.get("ref")))
            if ref:
                on = (renamed.get(str(other)) for other in each.get("dependsOn") or ())
                dependencies.setdefault(ref, set()).update(filter(None, on))
    if not components:
        return b""
    subject = {
        "type": "container",
        "bom-ref": f"{name}@{digest}",
        "name": name,
        "version": digest,
        "purl": f"pkg:oci/{name.rpartition('/')[2]}@{digest.replace(':', '%3A')}"
        f"?repository_url={name}",
    }
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "version": 1,
        "metadata": {"component": subject},
        "components": list(components.values()),
        "dependencies": [
            {"ref": ref, "dependsOn": sorted(on)} for ref, on in sorted(dependencies.items())
        ],
    }
    return json.dumps(document).encode()


def _numbers(version: str) -> list[int]:
    return [int(each) for each in version.split(".") if each.isdigit()]
