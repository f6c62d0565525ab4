"""Modules of packages whose import certainly comes to a file that cannot be loaded.

Remembered with the layer that has them: when it is reused, and so is not there to look at, the
app may import one of them for the first time.
"""

from __future__ import annotations

import os
import re

from cnbkit_start.code import Code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["leads"]

# At any indentation: which of them run is looked at later.
_IMPORT = re.compile(rb"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import|import[ \t]+([\w., \t]+))", re.M)
_LEFT_OUT = ("tests", "test", "__pycache__")
_MOST_BYTES = 256 << 20
_MOST_PARSED = 4000


class _File:
    """A module of a package: its name, where it lies, and what it imports for sure."""

    __slots__ = ("_imported", "is_package", "layer", "name", "path")

    def __init__(self, layer: str, path: str, site: str) -> None:
        inner = path[len(site) + 1 :].removesuffix(".py")
        self.is_package = inner.endswith("/__init__")
        self.name = inner.removesuffix("/__init__").replace("/", ".")
        self.layer = layer
        self.path = path
        self._imported: list[str] | None = None

    @property
    def imported(self) -> list[str]:
        """Full names of all modules that may run, those on the way to them, too."""
        if self._imported is None:
            with open(self.path, "rb") as file:
                code = Code(file.read(), self.path)
            found: dict[str, None] = {}
            for each in code.certain_imports():
                module = self._absolute(each.module, each.level)
                steps = module.split(".") if module else []
                found.update({".".join(steps[: at + 1]): None for at in range(len(steps))})
                found.update({f"{module}.{name}".lstrip("."): None for name in each.names})
            self._imported = [name for name in found if name != self.name]
        return self._imported

    def _absolute(self, module: str, level: int) -> str:
        if not level:
            return module
        steps = self.name.split(".")
        kept = steps[: len(steps) - level + self.is_package]
        return ".".join([*kept, *([module] if module else [])])


def leads(
    sites: Mapping[str, Sequence[str]], targets: Iterable[str], known: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """By layer, each module that leads to one that cannot be loaded, and that one.

    Args:
        sites: folders of packages, by layer.
        targets: modules that cannot be loaded.
        known: what leads there in layers that are not here.
    """
    by_top = _by_top(sites)
    reached = {**known, **{each: each for each in targets}}
    found: dict[str, dict[str, str]] = {layer: {} for layer in sites}
    candidates: dict[str, _File] = {}
    tops: set[str] = set()
    while True:
        for top in {name.partition(".")[0] for name in reached} - tops:
            tops.add(top)
            candidates |= {each.path: each for each in by_top.get(top, ())}
        new = {
            file.name: (file.layer, target)
            for file in [*candidates.values()][:_MOST_PARSED]
            if file.name not in reached
            for target in [next((reached[each] for each in file.imported if each in reached), "")]
            if target
        }
        if not new:
            return found
        for name, (layer, target) in new.items():
            reached[name] = found[layer][name] = target


def _by_top(sites: Mapping[str, Sequence[str]]) -> dict[str, list[_File]]:
    """The files that may import something of a package, by its first name."""
    by_top: dict[str, list[_File]] = {}
    size = 0
    for layer, folders in sites.items():
        for site in folders:
            for path in _files(site):
                with open(path, "rb") as opened:
                    data = opened.read()
                size += len(data)
                if size > _MOST_BYTES:
                    return by_top
                file = _File(layer, path, site)
                for top in _tops(data, file.name.partition(".")[0]):
                    by_top.setdefault(top, []).append(file)
    return by_top


def _tops(data: bytes, own: str) -> set[str]:
    found = set()
    for origin, names in _IMPORT.findall(data):
        for each in (origin or names).decode().split(","):
            found.add(own if each.startswith(".") else each.strip().partition(".")[0].split(" ")[0])
    return found


def _files(site: str) -> Iterator[str]:
    for folder, inner, names in os.walk(site):
        inner[:] = sorted(name for name in inner if name not in _LEFT_OUT)
        yield from (f"{folder}/{name}" for name in sorted(names) if name.endswith(".py"))
