"""Layers that were filled and given up, because packages of some belong into others.

Most are wanted as they were: their files are put aside and moved back. What has to be installed
again is linked from the engine's cache, where it lies unpacked.
"""

from __future__ import annotations

import os
import shutil

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Spare"]


class Spare:
    """Their prefixes.

    Args:
        folder: where they are kept, on the layers' file system.

    Attributes:
        compiled: names of layers, put aside or not, that have their bytecode.
    """

    def __init__(self, folder: str) -> None:
        self.compiled: set[str] = set()
        self._folder = folder
        self._known: dict[str, list[str]] = {}

    def put(self, name: str, packages: Sequence[str], prefix: str) -> None:
        """Put a layer's prefix aside.

        Args:
            name: of the layer.
            packages: what is in it, as its key has it.
            prefix: is there no more afterwards.
        """
        os.makedirs(self._folder, exist_ok=True)
        os.rename(prefix, f"{self._folder}/{name}")
        self._known[name] = list(packages)

    def take(self, name: str, packages: Sequence[str], prefix: str) -> bool:
        """Move one back, bytecode included, if the layer of that name is to have the same."""
        if self._known.get(name) != list(packages):
            self.compiled.discard(name)
            return False
        os.makedirs(os.path.dirname(prefix), exist_ok=True)
        os.rename(f"{self._folder}/{name}", prefix)
        del self._known[name]
        return True

    def clear(self) -> None:
        """Throw away what nobody has taken."""
        if self._known:
            shutil.rmtree(self._folder)
            self._known = {}
