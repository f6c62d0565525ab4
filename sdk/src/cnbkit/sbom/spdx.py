"""Bills of materials in SPDX 2.3."""

from __future__ import annotations

import hashlib
import re

# The modules for JSON alone: the library's writers would also import those for RDF.
from spdx_tools.spdx.jsonschema.document_converter import DocumentConverter
from spdx_tools.spdx.model.actor import Actor, ActorType
from spdx_tools.spdx.model.checksum import Checksum, ChecksumAlgorithm
from spdx_tools.spdx.model.document import CreationInfo, Document
from spdx_tools.spdx.model.extracted_licensing_info import ExtractedLicensingInfo
from spdx_tools.spdx.model.package import (
    ExternalPackageRef,
    ExternalPackageRefCategory,
    Package,
)
from spdx_tools.spdx.model.relationship import Relationship, RelationshipType
from spdx_tools.spdx.model.spdx_no_assertion import SpdxNoAssertion

from cnbkit.sbom.licenses import all_of, expression, references

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from cnbkit.sbom.component import Component

__all__ = ["spdx"]

_DOCUMENT = "SPDXRef-DOCUMENT"


def spdx(components: list[Component], namespace: str, created: datetime) -> dict[str, Any]:
    """A document that lists components.

    Args:
        components: each once.
        namespace: an address that no document about others has.
        created: when it says that it was written.
    """
    packages = [_package(each) for each in components]
    texts: dict[str, str] = {}
    for each in components:
        texts |= references(each)
    described: list[str | SpdxNoAssertion] = [package.spdx_id for package in packages]
    document = Document(
        CreationInfo(
            spdx_version="SPDX-2.3",
            spdx_id=_DOCUMENT,
            name="layer",
            document_namespace=namespace,
            creators=[Actor(ActorType.TOOL, "cnbkit")],
            created=created,
        ),
        packages=packages,
        relationships=[
            Relationship(_DOCUMENT, RelationshipType.DESCRIBES, each)
            for each in described or [SpdxNoAssertion()]
        ],
        extracted_licensing_info=[
            ExtractedLicensingInfo(license_id=each, extracted_text=text, license_name=text)
            for each, text in sorted(texts.items())
        ],
    )
    return DocumentConverter().convert(document)  # type: ignore[no-untyped-call]


def _package(component: Component) -> Package:
    declared = expression(component)
    if declared is None:
        declared = all_of(list(references(component)))
    checksums = [Checksum(ChecksumAlgorithm.SHA256, component.sha256)]
    return Package(
        spdx_id=_identifier(component.purl),
        name=component.name,
        version=component.version,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        license_concluded=SpdxNoAssertion(),
        license_declared=SpdxNoAssertion() if declared is None else declared,
        copyright_text=SpdxNoAssertion(),
        summary=component.summary or None,
        checksums=checksums if component.sha256 else [],
        external_references=[
            ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", component.purl)
        ],
    )


def _identifier(purl: str) -> str:
    """Letters, digits, `.` and `-` are allowed; the digest tells what else differs apart."""
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", purl.removeprefix("pkg:"))
    return f"SPDXRef-{plain}-{hashlib.sha256(purl.encode()).hexdigest()[:8]}"
