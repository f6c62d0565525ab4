"""One prefix of many: links into the packages' layers, as one environment would have the files.

A folder that one layer alone has is one link; a folder that several share is a real one. The
kernel resolves `..` behind a link to a folder in the layer, not here. So where a library looks by
`$ORIGIN/../…` for a file that another layer has, all folders above it are real here, and it is a
link to a file: `..` then stays in this prefix, where everything is.
"""

from __future__ import annotations

import os
import shutil

from cnbkit_pip.layers.contents import Contents, parents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["merge"]


def merge(root: str, site: str, layers: Mapping[str, Contents]) -> None:
    """Fill an environment.

    Args:
        root: the environment; what is in it stays.
        site: site-packages, below it.
        layers: contents by the prefix they are below; of two files with one path, the first wins.
    """
    plan = _Plan(site, layers)
    for path, source in plan.links():
        target = f"{root}/{path}"
        if os.path.lexists(target):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if path in layers[source].embedding:
            # It looks for its environment by its own place, as the kernel has it.
            shutil.copy(f"{source}/{path}", target)
        else:
            os.symlink(f"{source}/{path}", target)


class _Plan:
    """Which folders are real, and what is linked.

    Args:
        site: site-packages.
        layers: contents by prefix.
    """

    def __init__(self, site: str, layers: Mapping[str, Contents]) -> None:
        self._site = site
        self._layers = layers
        # What is linked at least: path → prefixes that have it.
        self._wanted: dict[str, list[str]] = {}
        self._real = {"bin", "lib", *parents(f"{site}/")}
        self._providers: dict[str, str] = {}
        for prefix, contents in layers.items():
            for path in (*contents.outside, *contents.shared):
                self._providers.setdefault(path, prefix)
            for path in contents.outside:
                self._want(path, prefix)
        for prefix, contents in layers.items():
            for path in contents.seeks:
                if self._looks_elsewhere(path, prefix):
                    self._make_real(path)
        self._fill_real()

    def links(self) -> Iterator[tuple[str, str]]:
        """Path of each link, and the prefix it leads to."""
        owners: dict[str, set[str]] = {}
        for path, prefixes in self._wanted.items():
            for each in (path, *parents(path)):
                owners.setdefault(each, set()).update(prefixes)
        done = set()
        for path, prefixes in sorted(self._wanted.items()):
            above = [each for each in reversed(parents(path)) if each not in self._real]
            alone = (each for each in (*above, path) if len(owners[each]) == 1)
            place = next(alone, path)
            if place not in done and place not in self._real:
                done.add(place)
                yield place, prefixes[0]

    def _want(self, path: str, prefix: str) -> None:
        self._wanted.setdefault(path, []).append(prefix)

    def _make_real(self, path: str) -> None:
        self._real.update(parents(path))

    def _looks_elsewhere(self, path: str, prefix: str) -> bool:
        """Whether a file needs one of another layer, where it is in an environment."""
        seeks = self._layers[prefix].seeks[path]
        if not seeks.outward:
            return False
        for name in seeks.needed:
            places = [f"{place}/{name}" for place in seeks.places]
            found = {self._providers[each] for each in places if each in self._providers}
            if found and prefix not in found:
                return True
        return False

    def _fill_real(self) -> None:
        """Have in each real folder what it has in its layer, and what its libraries look for."""
        for prefix, contents in self._layers.items():
            for folder, names in contents.listing.items():
                if folder in self._real:
                    for name in names:
                        self._want(f"{folder}/{name}", prefix)
            for path, seeks in contents.seeks.items():
                folder = path.rpartition("/")[0]
                if folder == self._site and self._looks_elsewhere(path, prefix):
                    self._want(path, prefix)
                elif folder not in self._real or folder == self._site:
                    continue
                for place in seeks.places:
                    self._have(place, seeks.needed)
        for place in [each for each, prefixes in self._wanted.items() if len(prefixes) > 1]:
            self._share(place)

    def _have(self, place: str, names: list[str]) -> None:
        """Have a folder of site-packages in which one of these libraries is."""
        if place in self._real or not place.startswith(f"{self._site}/"):
            return
        for name in names:
            prefix = self._providers.get(f"{place}/{name}")
            if prefix and prefix not in self._wanted.get(place, ()):
                self._want(place, prefix)

    def _share(self, place: str) -> None:
        """Have the libraries of all layers in a folder that several have."""
        for prefix in self._wanted[place]:
            for path in self._layers[prefix].shared:
                if path.rpartition("/")[0] == place:
                    self._make_real(path)
                    self._want(path, prefix)
