"""Bills of materials in CycloneDX 1.5."""

from __future__ import annotations

import json
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component as Listed
from cyclonedx.model.component import ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot5
from packageurl import PackageURL

from cnbkit.sbom.licenses import expression, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from cnbkit.sbom.component import Component

__all__ = ["cyclonedx"]


def cyclonedx(components: list[Component], namespace: str, created: datetime) -> dict[str, Any]:
    """A document that lists components.

    Args:
        components: each once.
        namespace: an address that no document about others has.
        created: when it says that it was written.
    """
    tool = Listed(type=ComponentType.APPLICATION, name="cnbkit")
    bom = Bom(
        # Chance and the clock, unless they are given.
        serial_number=uuid5(NAMESPACE_URL, namespace),
        metadata=BomMetaData(timestamp=created, tools=ToolRepository(components=[tool])),
        components=[_listed(each) for each in components],
    )
    document: dict[str, Any] = json.loads(JsonV1Dot5(bom).output_as_string())
    # It would say that no component depends on another, which nobody has looked at.
    document.pop("dependencies", None)
    return document


def _listed(component: Component) -> Listed:
    parsed = expression(component)
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=component.sha256)]
    return Listed(
        type=ComponentType.LIBRARY,
        bom_ref=component.purl,
        name=component.name,
        version=component.version,
        description=component.summary or None,
        hashes=hashes if component.sha256 else [],
        licenses=[LicenseExpression(str(parsed))]
        if parsed is not None
        else [DisjunctiveLicense(name=name) for name in names(component)],
        purl=PackageURL.from_string(component.purl),
    )
