"""Puts each buildpack's folder and the reference builder into the wheel.

Libraries that buildpacks share lie in common/, as in the repository.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

if TYPE_CHECKING:
    from collections.abc import Iterator


class ReferenceBuilder(BuildHookInterface[Any]):
    """builder/ and buildpacks/, side by side as in the repository: builder.toml says `../`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before a build."""
        if version == "editable":
            raise RuntimeError(
                "a checkout's buildpacks are used in place: install sdk/ and engine/"
            )
        root = Path(self.root)
        wheel = self.target_name == "wheel"
        # In an unpacked source distribution the builder lies beside the buildpacks.
        builder = root / "builder" if (root / "builder").is_dir() else root.parent / "builder"
        places = {
            builder / "builder.toml": "builder/builder.toml",
            builder / "ml" / "buildpack.toml": "builder/ml/buildpack.toml",
        }
        descriptors = [*root.glob("*/buildpack.toml"), *root.glob("*/extension.toml")]
        folders = [path.parent for path in descriptors]
        for folder in sorted(
            [*folders, *(path.parent for path in root.glob("common/*/__init__.py"))]
        ):
            for path in _files(folder):
                inside = path.relative_to(root).as_posix()
                places[path] = f"buildpacks/{inside}" if wheel else inside
        for path, target in places.items():
            build_data["force_include"][str(path)] = (
                f"cnbkit_buildpacks/{target}" if wheel else target
            )


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__pycache__":
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path
