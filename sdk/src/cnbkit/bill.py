"""Bills of materials of what was installed: CycloneDX 1.5 and SPDX 2.3, the same bytes each time.

Documents go into the image, so nothing in them may depend on the time or the machine: no time
stamp but a fixed one, no random number. What the formats want as a unique name is a digest.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

__all__ = ["Component", "bill_of_materials"]

# The time every file of a layer has.
_CREATED = "1980-01-01T00:00:01Z"
_REFERENCE = re.compile(r"(?<![:\w.-])LicenseRef-[A-Za-z0-9.-]+")
_NAMESPACE = "https://github.com/cnbkit/cnbkit/spdx/"


@dataclass(frozen=True)
class Component:
    """Something that was installed.

    Attributes:
        type: of the package URL: `pypi`, `deb`, `conda`.
        name: as its ecosystem writes it.
        version: likewise.
        namespace: of the package URL: `debian`; may be empty.
        qualifiers: of the package URL: `{"arch": "amd64"}`.
        licence: an SPDX licence expression; empty if there is none.
        licences: names of licences in other words.
        sha256: of the file it was installed from, in hexadecimal; empty if unknown.
        summary: what it is, in a line.
    """

    type: str
    name: str
    version: str
    namespace: str = ""
    qualifiers: Mapping[str, str] | None = None
    licence: str = ""
    licences: tuple[str, ...] = ()
    sha256: str = ""
    summary: str = ""

    @property
    def purl(self) -> str:
        """The package URL (purl-spec)."""
        steps = [self.type, *([self.namespace] if self.namespace else []), self.name]
        path = "/".join(quote(step, safe=":") for step in steps)
        given = sorted((self.qualifiers or {}).items())
        query = "&".join(f"{name}={quote(value, safe=':/')}" for name, value in given if value)
        return f"pkg:{path}@{quote(self.version, safe=':')}" + (f"?{query}" if query else "")


def bill_of_materials(components: Iterable[Component]) -> dict[str, dict[str, Any]]:
    """Documents that list components, for `OpenLayer.sbom` and `Built(sbom=…)`.

        for kind, document in bill_of_materials(found).items():
            layer.sbom(kind, document)

    buildpack.toml has to name both formats in `sbom-formats`.

    Returns:
        `cdx` and `spdx` → a document.
    """
    found = sorted({each.purl: each for each in components}.values(), key=lambda each: each.purl)
    return {"cdx": _cyclonedx(found), "spdx": _spdx(found)}


def _cyclonedx(components: list[Component]) -> dict[str, Any]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"tools": {"components": [{"type": "application", "name": "cnbkit"}]}},
        "components": [
            _without_nothing(
                {
                    "type": "library",
                    "bom-ref": each.purl,
                    "name": each.name,
                    "version": each.version,
                    "description": each.summary,
                    "hashes": [{"alg": "SHA-256", "content": each.sha256}] if each.sha256 else [],
                    "licenses": [{"expression": each.licence}]
                    if each.licence
                    else [{"license": {"name": name}} for name in each.licences],
                    "purl": each.purl,
                }
            )
            for each in components
        ],
    }


def _spdx(components: list[Component]) -> dict[str, Any]:
    texts = {name: _reference(name) for each in components for name in each.licences}
    # What expressions refer to has to be in the document as well.
    for each in components:
        texts |= {name: name for name in _REFERENCE.findall(each.licence)}
    packages = []
    for each in components:
        declared = each.licence or " AND ".join(sorted({texts[name] for name in each.licences}))
        packages.append(
            _without_nothing(
                {
                    "SPDXID": _identifier(each.purl),
                    "name": each.name,
                    "versionInfo": each.version,
                    "downloadLocation": "NOASSERTION",
                    "filesAnalyzed": False,
                    "licenseConcluded": "NOASSERTION",
                    "licenseDeclared": declared or "NOASSERTION",
                    "copyrightText": "NOASSERTION",
                    "summary": each.summary,
                    "checksums": [{"algorithm": "SHA256", "checksumValue": each.sha256}]
                    if each.sha256
                    else [],
                    "externalRefs": [
                        {
                            "referenceCategory": "PACKAGE-MANAGER",
                            "referenceType": "purl",
                            "referenceLocator": each.purl,
                        }
                    ],
                }
            )
        )
    digest = hashlib.sha256(repr(components).encode()).hexdigest()
    return _without_nothing(
        {
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": "SPDXRef-DOCUMENT",
            "name": "layer",
            "documentNamespace": _NAMESPACE + digest,
            "creationInfo": {"created": _CREATED, "creators": ["Tool: cnbkit"]},
            "packages": packages,
            "hasExtractedLicensingInfos": [
                {"licenseId": reference, "name": name, "extractedText": name}
                for name, reference in sorted(texts.items())
            ],
            "relationships": [
                {
                    "spdxElementId": "SPDXRef-DOCUMENT",
                    "relationshipType": "DESCRIBES",
                    "relatedSpdxElement": described,
                }
                for described in [each["SPDXID"] for each in packages] or ["NOASSERTION"]
            ],
        }
    )


def _identifier(purl: str) -> str:
    """Letters, digits, `.` and `-` are allowed; the digest tells what else differs apart."""
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", purl.removeprefix("pkg:"))
    return f"SPDXRef-{plain}-{hashlib.sha256(purl.encode()).hexdigest()[:8]}"


def _reference(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")[:60]
    return f"LicenseRef-{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _without_nothing(table: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if value not in ("", [], None)}
