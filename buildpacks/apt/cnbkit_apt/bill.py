"""What a layer's Debian packages are, for its bill of materials."""

from __future__ import annotations

import os
import re

from cnbkit import Component, OpenLayer, bill_of_materials
from cnbkit_apt.archive import Archive

__all__ = ["describe"]

# A line of a machine-readable copyright file (DEP-5).
_LICENCE = re.compile(r"(?m)^License:[ \t]*(\S[^\n]*)$")
# In one that is written for people.
_COMMON = re.compile(r"/usr/share/common-licenses/([\w.-]*\w)")


def describe(layer: OpenLayer, archives: list[Archive]) -> None:
    """Give a layer documents that list what is unpacked in it.

    Args:
        layer: a layer that was filled just now.
        archives: the packages.
    """
    found = [
        Component(
            type="deb",
            namespace="debian",
            name=each.name,
            version=each.version,
            qualifiers={"arch": each.arch},
            licences=_licences(f"{layer.directory}/usr/share/doc/{each.name}/copyright"),
            sha256=each.checksum.removeprefix("SHA256:"),
        )
        for each in archives
    ]
    for kind, document in bill_of_materials(found).items():
        layer.sbom(kind, document)


def _licences(path: str) -> tuple[str, ...]:
    """Names of licences, as Debian has them; none if the file names none."""
    if not os.path.exists(path):  # a link into a package of the run image, perhaps
        return ()
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    found = _LICENCE.findall(text) or _COMMON.findall(text)
    return tuple(dict.fromkeys(each.strip()[:100] for each in found))
