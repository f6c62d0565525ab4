"""Components found in a folder by what package managers leave there."""

from __future__ import annotations

import json
import os
import re
import zipfile
import zlib

from cnbkit.sbom.component import Component

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

__all__ = ["scan_components"]

# What documents of any other shape lead to, and archives.
_OTHERWISE = (
    *(ValueError, KeyError, TypeError, AttributeError, RecursionError, EOFError),
    *(zipfile.BadZipFile, zlib.error, NotImplementedError),
)
# What a document of CycloneDX takes.
_LONGEST = 1024
_GEM = re.compile(r"(.+?)-(\d[\w.]*)(?:-[\w-]+)?\.gemspec")


def scan_components(folder: str | os.PathLike[str]) -> list[Component]:
    """What is installed in a folder, for `bill_of_materials`, each once and in order.

        layer_bill = bill_of_materials(scan_components(layer.path))

    Found are packages of pip (`*.dist-info`), conda (`conda-meta`), npm (`node_modules`), Debian
    (dpkg's `status`), Maven (in `.jar` files) and RubyGems (`specifications`). Links are not
    followed, and a file that cannot be read as such is passed over.

    Args:
        folder: a layer's path, say.
    """
    found: dict[tuple[str, str, str, str], Component] = {}
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted([*folders, *files]):
            for each in _read(parent, name):
                found.setdefault((each.type, each.namespace, each.name, each.version), each)
    return [found[identity] for identity in sorted(found)]


def _read(parent: str, name: str) -> Iterator[Component]:
    above = os.path.basename(parent)
    reader: Callable[[str], Iterator[Component]] | None = None
    if name.endswith(".dist-info"):
        reader = _python
    elif name.endswith(".json") and above == "conda-meta":
        reader = _conda
    elif name == "package.json":
        reader = _node
    elif name.endswith(".jar"):
        reader = _java
    elif name.endswith(".gemspec") and above == "specifications":
        reader = _ruby
    elif (name == "status" and above == "dpkg") or (above == "status.d" and "." not in name):
        reader = _debian
    path = os.path.join(parent, name)
    if reader is None or os.path.islink(path):
        return
    try:
        yield from [each for each in reader(path) if _is_named(each)]
    except (OSError, *_OTHERWISE):
        return  # no such thing, whatever it is called


def _is_named(component: Component) -> bool:
    """Whether it has a name and a version that documents can hold."""
    texts = (component.name, component.version)
    return all(isinstance(text, str) and 0 < len(text) <= _LONGEST for text in texts)


def _python(path: str) -> Iterator[Component]:
    from email.parser import Parser

    with open(f"{path}/METADATA", encoding="utf-8", errors="replace") as file:
        metadata = Parser().parse(file, headersonly=True)
    name = re.sub(r"[-_.]+", "-", metadata["Name"]).lower()
    yield Component(
        "pypi",
        name,
        metadata["Version"],
        licence=metadata["License-Expression"] or "",
        summary=metadata["Summary"] or "",
    )


def _conda(path: str) -> Iterator[Component]:
    record = _json(path)
    yield Component(
        "conda",
        record["name"],
        record["version"],
        qualifiers={"build": record.get("build", ""), "subdir": record.get("subdir", "")},
        licence=record.get("license") or "",
        sha256=record.get("sha256") or "",
    )


def _node(path: str) -> Iterator[Component]:
    # Elsewhere it is somebody's project, and nothing that was installed.
    parts = os.path.dirname(path).split("/")
    if "node_modules" not in (parts[-2], parts[-3] if parts[-2].startswith("@") else ""):
        return
    package = _json(path)
    scope, _, name = package["name"].rpartition("/")
    licence = package.get("license", "")
    yield Component(
        "npm",
        name,
        package["version"],
        scope,
        licence=licence if isinstance(licence, str) else licence.get("type", ""),
        summary=package.get("description", ""),
    )


def _debian(path: str) -> Iterator[Component]:
    with open(path, encoding="utf-8", errors="replace") as file:
        paragraphs = file.read().split("\n\n")
    for paragraph in paragraphs:
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", paragraph, re.M))
        # dpkg keeps records of what it removed.
        if fields and fields.get("Status", "install ok installed").endswith(" installed"):
            yield Component(
                "deb",
                fields["Package"],
                fields["Version"],
                "debian",
                {"arch": fields.get("Architecture", "")},
            )


def _java(path: str) -> Iterator[Component]:
    with zipfile.ZipFile(path) as jar:
        for name in jar.namelist():
            if name.startswith("META-INF/maven/") and name.endswith("/pom.properties"):
                text = jar.read(name).decode("utf-8", "replace")
                fields = dict(re.findall(r"^(\w+)=(.*?)\s*$", text, re.M))
                yield Component("maven", fields["artifactId"], fields["version"], fields["groupId"])


def _ruby(path: str) -> Iterator[Component]:
    match = _GEM.fullmatch(os.path.basename(path))
    if match:
        yield Component("gem", match[1], match[2])


def _json(path: str) -> dict[str, Any]:
    with open(path, encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)
        return found
