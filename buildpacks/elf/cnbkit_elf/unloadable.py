"""Files that the loader refuses, told to later buildpacks with a remedy for each."""

from __future__ import annotations

import json
import os
import re

from cnbkit_elf.facts import ElfFile, Facts
from cnbkit_elf.report import debian_packages, ways

__all__ = ["unloadable"]

_EXTENSION = re.compile(r"(?P<name>\w+)(?:\.cpython-[\w-]+|\.abi3)?\.so")
_SITES = ("/site-packages/", "/dist-packages/")
# Loaded with their package by other means than an import that can be read.
_WITH_PACKAGE = {
    "cv2/cv2": "cv2",
    "lightgbm/lib/lib_lightgbm": "lightgbm",
    "xgboost/lib/libxgboost": "xgboost",
}


def unloadable(
    missing: dict[str, list[ElfFile]],
    by_name: dict[str, list[ElfFile]],
    facts: Facts,
    release: str,
) -> str:
    """A JSON list with `path`, `module`, `owner`, `needs`, `remedy` of each; empty without any.

    Args:
        missing: names of libraries, and the files that are linked with each.
        by_name: the same of libraries that packages load by name; of those only owners are known.
        facts: what is in the layers: what needs a file that cannot be loaded cannot, either.
        release: of Debian, which the image is made of.
    """
    lacks: dict[str, dict[str, None]] = {}
    for name, files in sorted(missing.items()):
        for file in files:
            lacks.setdefault(file.path, {})[name] = None
    _spread(lacks, facts.files)
    here = debian_packages({*missing, *by_name}, release)
    owners = {each.path: each.owner for each in facts.files}
    found = [
        (path, _module(path), owners.get(path, ""), [*names])
        for path, names in sorted(lacks.items())
    ]
    found += [
        ("", each.module, each.owner, [name])
        for name, files in sorted(by_name.items())
        for each in files
    ]
    told = [
        {
            "path": path,
            "module": module,
            "owner": owner,
            "needs": ", ".join(names),
            "remedy": ways(owner, names, here, release),
        }
        for path, module, owner, names in found
    ]
    return json.dumps(told) if told else ""


def _spread(lacks: dict[str, dict[str, None]], files: list[ElfFile]) -> None:
    """Add what is linked with such a file, where no other of that name can take its place."""
    named: dict[str, list[str]] = {}
    for file in files:
        for name in {os.path.basename(file.path), file.soname} - {""}:
            named.setdefault(name, []).append(file.path)
    more = True
    while more:
        more = False
        for file in files:
            for name in file.needed:
                paths = named.get(name, [])
                if not paths or not all(path in lacks for path in paths):
                    continue
                known = lacks.setdefault(file.path, {})
                before = len(known)
                known.update(lacks[paths[0]])
                more = more or len(known) > before


def _module(path: str) -> str:
    """What an import of which loads a file, as far as its name tells."""
    inside = next((path.partition(site)[2] for site in _SITES if site in path), "")
    for start, module in _WITH_PACKAGE.items():
        if inside.startswith((f"{start}.", f"{start}-")):
            return module
    folder, _, name = inside.rpartition("/")
    found = _EXTENSION.fullmatch(name)
    if not found or not inside:
        return ""
    steps = [*(folder.split("/") if folder else []), found["name"]]
    return ".".join(steps) if all(step.isidentifier() for step in steps) else ""
