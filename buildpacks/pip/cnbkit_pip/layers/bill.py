"""What a layer's Python packages are, for its bill of materials."""

from __future__ import annotations

import os
import re
from importlib.metadata import Distribution

from cnbkit import Component, OpenLayer, bill_of_materials
from cnbkit_pip.layers.metadata import read_metadata
from cnbkit_python_inputs.package import Package
from cnbkit_python_inputs.requirements import normalised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from email.message import Message
    from typing import Any

__all__ = ["describe"]

# What is written in `License`, in lower case, where it can only mean one SPDX licence.
_EXPRESSIONS = {
    "mit": "MIT",
    "mit license": "MIT",
    "the mit license": "MIT",
    "apache-2.0": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "isc": "ISC",
    "mpl-2.0": "MPL-2.0",
    "psf-2.0": "PSF-2.0",
    "unlicense": "Unlicense",
    "lgpl-2.1-or-later": "LGPL-2.1-or-later",
    "gpl-3.0-or-later": "GPL-3.0-or-later",
}
# Trove classifiers that say as much; others ("BSD License") leave the version open.
_CLASSIFIERS = {
    "MIT License": "MIT",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
}
_TAG = re.compile(r"-([^-]+)-([^-]+)-([^-]+)\.whl")


def describe(layer: OpenLayer, site_packages: str, packages: list[Package]) -> None:
    """Give a layer documents that list what is installed in it.

    Args:
        layer: a layer that was filled just now.
        site_packages: where in it the packages are.
        packages: what was to be installed, with the checksums of the lock.
    """
    locked = {package.name: package for package in packages}
    names = os.listdir(site_packages) if os.path.isdir(site_packages) else []
    found = [
        _component(f"{site_packages}/{name}", locked)
        for name in sorted(names)
        if name.endswith(".dist-info")
    ]
    for kind, document in bill_of_materials(found).items():
        layer.sbom(kind, document)


def _component(path: str, locked: dict[str, Package]) -> Component:
    distribution = Distribution.at(path)
    metadata = read_metadata(path)
    name = normalised(metadata["Name"] or os.path.basename(path).partition("-")[0])
    expression, others = _licences(metadata)
    return Component(
        type="pypi",
        name=name,
        version=metadata["Version"] or "",
        licence=expression,
        licences=others,
        sha256=_checksum(locked[name], distribution) if name in locked else "",
        summary=(metadata["Summary"] or "").strip(),
    )


def _licences(metadata: Message) -> tuple[str, tuple[str, ...]]:
    """An SPDX expression, or names of licences."""
    if metadata["License-Expression"]:  # PEP 639
        return metadata["License-Expression"], ()
    prefix = "License :: "
    classifiers = [
        each.rpartition(" :: ")[2]
        for each in metadata.get_all("Classifier") or []
        if each.startswith(prefix) and each != "License :: OSI Approved"
    ]
    written = (metadata["License"] or "").strip()
    if expression := _EXPRESSIONS.get(written.lower()):
        return expression, ()
    if len(classifiers) == 1 and classifiers[0] in _CLASSIFIERS:
        return _CLASSIFIERS[classifiers[0]], ()
    # Some put the whole text there: its first line names it.
    first = written.splitlines()[0].strip()[:100] if written else ""
    return "", tuple(dict.fromkeys(classifiers or ([first] if first else [])))


def _checksum(package: Package, distribution: Distribution) -> str:
    """SHA-256 of the file it was installed from; empty if that is not known for sure."""
    tags = {
        line.partition(":")[2].strip()
        for line in (distribution.read_text("WHEEL") or "").splitlines()
        if line.startswith("Tag:")
    }
    files = package.artifacts()
    if len(files) > 1:
        files = [each for each in files if tags & _tags(each)]
    sums = {str(each.get("hashes", {}).get("sha256", "")) for each in files}
    return sums.pop() if len(sums) == 1 else ""


def _tags(artifact: dict[str, Any]) -> set[str]:
    """The tags a wheel is for (PEP 425), of its file name."""
    place = str(artifact.get("name") or artifact.get("path") or artifact.get("url") or "")
    found = _TAG.search(place)
    if not found:
        return set()
    pythons, abis, platforms = (part.split(".") for part in found.groups())
    return {f"{python}-{abi}-{each}" for python in pythons for abi in abis for each in platforms}
