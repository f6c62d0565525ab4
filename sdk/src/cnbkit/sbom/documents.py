"""Bills of materials of what was installed: CycloneDX 1.5 and SPDX 2.3, the same bytes each time.

The documents are made by the formats' own libraries. A buildpack that writes bills lists them in
its requirements.lock; none is imported before there is a bill to write.
"""

from __future__ import annotations

from threading import Lock

from cnbkit.errors import BuildpackFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from cnbkit.sbom.component import Component

__all__ = ["bill_of_materials"]

# Layers may be filled at once, but the libraries build tables on first use, unguarded.
_ONE_AT_A_TIME = Lock()
_NAMESPACE = "https://github.com/cnbkit/cnbkit/spdx/"


def bill_of_materials(components: Iterable[Component]) -> dict[str, dict[str, Any]]:
    """Documents that list components, for `OpenLayer.sbom` and `BuildResult(sbom=…)`.

        for kind, document in bill_of_materials(found).items():
            layer.sbom(kind, document)

    buildpack.toml has to name both formats in `sbom-formats`, and requirements.lock the libraries
    that make the documents: cyclonedx-python-lib and spdx-tools.

    Returns:
        `cdx` and `spdx` → a document.

    Raises:
        BuildpackFault: a library is missing, or a component has no name or no proper type.
    """
    with _ONE_AT_A_TIME:
        return _documents(components)


def _documents(components: Iterable[Component]) -> dict[str, dict[str, Any]]:
    try:
        from cnbkit.sbom.cyclonedx import cyclonedx
        from cnbkit.sbom.spdx import spdx
    except ModuleNotFoundError as error:
        raise BuildpackFault(
            f"no bill of materials can be made: there is no module {error.name}",
            where="requirements.lock",
            remedy="add cyclonedx-python-lib and spdx-tools to it",
        ) from None
    import hashlib
    from datetime import UTC, datetime

    found = {each.purl: each for each in components}
    ordered = [found[purl] for purl in sorted(found)]
    # Documents go into the image, so nothing in them may depend on the time or the machine.
    # What the formats want as a unique name is a digest; the time is every file's of a layer.
    namespace = _NAMESPACE + hashlib.sha256(repr(ordered).encode()).hexdigest()
    created = datetime(1980, 1, 1, 0, 0, 1, tzinfo=UTC)
    return {
        "cdx": cyclonedx(ordered, namespace, created),
        "spdx": spdx(ordered, namespace, created),
    }
