"""Which packages share a layer.

A layer is the unit that is rebuilt, exported and pulled. So what is heavy is alone, what is
released together is together, and all that is light shares a few layers. Which of them a package
is in depends on its name alone: another package's coming or going moves nothing.
"""

from __future__ import annotations

import hashlib

from cnbkit_python_inputs.package import Package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["HEAVY", "LIGHT", "Group", "light_layer", "partition"]

# Bytes to download. Below it the cost of a layer (a request per registry operation) outweighs
# what its reuse saves.
HEAVY = 4_000_000

# Most registries and engines cope with some 100 layers; the base, the app and other
# buildpacks have theirs.
_MOST_HEAVY = 24

# A change of one light package makes so much of all light ones anew. Each layer costs every build
# a little: reading its metadata, asking the registry for it.
_LIGHT_LAYERS = 8
LIGHT = "light-wheels-"
"""What the names of the layers with light packages begin with."""

_ACCELERATOR_PREFIXES = ("nvidia-", "cuda-", "triton", "pytorch-triton", "jax-cuda", "libtpu")


class Group:
    """The packages of one layer.

    Attributes:
        name: of the layer.
        packages: sorted by name.
    """

    def __init__(self, name: str, packages: list[Package]) -> None:
        self.name = name
        self.packages = sorted(packages, key=lambda package: package.name)

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(package.size for package in self.packages)

    def identities(self) -> list[str]:
        """`Package.identity` of each."""
        return [package.identity() for package in self.packages]

    def __str__(self) -> str:
        shown = [f"{package.name} {package.version}" for package in self.packages[:3]]
        more = len(self.packages) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more else "")


def partition(packages: list[Package], together: Sequence[set[str]] = ()) -> list[Group]:
    """Split packages into layers; the heaviest first, the app's own ones last.

    Args:
        packages: all of them.
        together: names of packages that have to share a layer.
    """
    local = [each for each in packages if each.directory]
    foreign = [each for each in packages if not each.directory]
    accelerator = [each for each in foreign if each.name.startswith(_ACCELERATOR_PREFIXES)]
    others = [each for each in foreign if each not in accelerator]
    by_weight = sorted(others, key=lambda package: (-package.size, package.name))
    heavy = [each for each in by_weight if each.size >= HEAVY][:_MOST_HEAVY]
    light = [each for each in others if each not in heavy]
    groups = [Group(f"wheels-{_layer_name(each)}", [each]) for each in heavy]
    if accelerator:
        groups.insert(0, Group("accelerator-wheels", accelerator))
    shared: dict[str, list[Package]] = {}
    for each in light:
        shared.setdefault(light_layer(each.name), []).append(each)
    groups += [Group(name, shared[name]) for name in sorted(shared)]
    for names in together:
        _merge(groups, names)
    if local:
        # They change with the app, the others do not.
        groups.append(Group("local-wheels", local))
    return groups


def light_layer(name: str) -> str:
    """The layer that a light package is in.

    Args:
        name: its normalised name.
    """
    return f"{LIGHT}{hashlib.sha256(name.encode()).digest()[0] % _LIGHT_LAYERS}"


def _merge(groups: list[Group], names: set[str]) -> None:
    """Move packages to the first of the layers they are in."""
    touched = [group for group in groups if any(each.name in names for each in group.packages)]
    if len(touched) < 2:
        return
    first, *others = touched
    moved = [each for group in others for each in group.packages if each.name in names]
    groups[groups.index(first)] = Group(first.name, [*first.packages, *moved])
    for group in others:
        rest = [each for each in group.packages if each.name not in names]
        if rest:
            groups[groups.index(group)] = Group(group.name, rest)
        else:
            groups.remove(group)


def _layer_name(package: Package) -> str:
    # Behind `wheels-`, which no shared layer's name begins with.
    return "".join(char if char.isalnum() or char == "-" else "-" for char in package.name)
