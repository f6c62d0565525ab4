"""Bills of materials of a Go program: CycloneDX 1.5, SPDX 2.3, and Syft's own format.

All that goes in is names, versions and digests of modules, so the documents need none of the
libraries that know the rest of the formats; the tests ask those what they make of them. The same
modules give the same bytes: neither the time nor the machine nor the processor is in them.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from cnbkit_engine.tools.go_modules import Module

if TYPE_CHECKING:
    from cnbkit_engine.tools.go_modules import BuiltFrom

__all__ = ["go_bills"]

_NAMESPACE = "https://github.com/cnbkit/cnbkit/spdx/"
_CREATED = "1980-01-01T00:00:01Z"  # the time of every file of a layer
_SYFT_SCHEMA = "16.0.0"


def go_bills(name: str, place: str, built: BuiltFrom) -> dict[str, bytes]:
    """The documents of a program.

    Args:
        name: of the program.
        place: its path where it runs.
        built: what it was built from.

    Returns:
        `cdx`, `spdx` and `syft` → a document.
    """
    # Scanners know the faults of Go's own library by this name.
    modules = sorted(
        {built.main, *built.modules, Module("stdlib", built.go)}, key=lambda each: each.path
    )
    text = repr((name, place, modules))
    namespace = f"{_NAMESPACE}{hashlib.sha256(text.encode()).hexdigest()}"
    documents = {
        "cdx": _cyclonedx(name, built.main, modules, namespace),
        "spdx": _spdx(name, modules, namespace),
        "syft": _syft(name, place, built, modules),
    }
    return {kind: json.dumps(each, indent=1).encode() for kind, each in documents.items()}


def _purl(module: Module) -> str:
    path = "/".join(quote(part, safe="") for part in module.path.lower().split("/"))
    return f"pkg:golang/{path}@{quote(module.version, safe='')}"


def _cyclonedx(name: str, main: Module, modules: list[Module], namespace: str) -> dict[str, Any]:
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, namespace)}",
        "version": 1,
        "metadata": {
            "timestamp": _CREATED,
            "tools": {"components": [{"type": "application", "name": "cnbkit"}]},
            "component": {"type": "application", "name": name, "version": main.version},
        },
        "components": [
            {
                "type": "library",
                "bom-ref": _purl(each),
                "name": each.path,
                "version": each.version,
                "purl": _purl(each),
            }
            for each in modules
        ],
    }


def _spdx(name: str, modules: list[Module], namespace: str) -> dict[str, Any]:
    document = "SPDXRef-DOCUMENT"
    packages = [
        {
            "SPDXID": f"SPDXRef-{re.sub(r'[^A-Za-z0-9.]+', '-', each.path)}-{_short(_purl(each))}",
            "name": each.path,
            "versionInfo": each.version,
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False,
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "NOASSERTION",
            "copyrightText": "NOASSERTION",
            "externalRefs": [
                {
                    "referenceCategory": "PACKAGE_MANAGER",
                    "referenceType": "purl",
                    "referenceLocator": _purl(each),
                }
            ],
        }
        for each in modules
    ]
    return {
        "spdxVersion": "SPDX-2.3",
        "SPDXID": document,
        "name": name,
        "dataLicense": "CC0-1.0",
        "documentNamespace": namespace,
        "creationInfo": {"created": _CREATED, "creators": ["Tool: cnbkit"]},
        "packages": packages,
        "relationships": [
            {
                "spdxElementId": document,
                "relationshipType": "DESCRIBES",
                "relatedSpdxElement": package["SPDXID"],
            }
            for package in packages
        ],
    }


def _syft(name: str, place: str, built: BuiltFrom, modules: list[Module]) -> dict[str, Any]:
    return {
        "artifacts": [
            {
                "id": _short(_purl(each)),
                "name": each.path,
                "version": each.version,
                "type": "go-module",
                "foundBy": "cnbkit",
                "locations": [{"path": place, "accessPath": place}],
                "licenses": [],
                "language": "go",
                "cpes": [],
                "purl": _purl(each),
                "metadataType": "go-module-buildinfo-entry",
                "metadata": {
                    "goCompiledVersion": f"go{built.go}",
                    "architecture": "",
                    **({"h1Digest": each.digest} if each.digest else {}),
                    "mainModule": built.main.path,
                },
            }
            for each in modules
        ],
        "artifactRelationships": [],
        "source": {
            "id": hashlib.sha256(place.encode()).hexdigest(),
            "name": name,
            "version": built.main.version,
            "type": "file",
            "metadata": {"path": place},
        },
        "distro": {},
        "descriptor": {"name": "cnbkit", "version": ""},
        "schema": {
            "version": _SYFT_SCHEMA,
            "url": "https://raw.githubusercontent.com/anchore/syft/main/schema/json/"
            f"schema-{_SYFT_SCHEMA}.json",
        },
    }


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
