"""Where the repository's modules are imported from, as buildpacks' descriptors declare it.

pytest's conftest.py files put these folders on `sys.path`; for mypy,

    python -m tests.source_roots

writes them as MYPYPATH has them.
"""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path

from cnbkit.spec.buildpack import library_folders

ROOT = Path(__file__).resolve().parents[1]
_PARENTS = ("buildpacks", "examples/buildpacks", "examples/company-builder/buildpacks")


def source_roots() -> list[str]:
    """Each buildpack's folder, and those of the libraries it declares."""
    roots = {ROOT / "buildpacks" / "common"}
    for parent in _PARENTS:
        for descriptor in (ROOT / parent).glob("*/*.toml"):
            if descriptor.name not in ("buildpack.toml", "extension.toml"):
                continue
            folder = descriptor.parent
            metadata = tomllib.loads(descriptor.read_text()).get("metadata", {})
            roots.add(folder)
            roots.update(Path(each).parent for each in library_folders(metadata, str(folder)))
    return sorted(map(str, roots))


def put_on_path() -> None:
    """Let this process import the modules by their names, as a buildpack does."""
    sys.path[:0] = [root for root in source_roots() if root not in sys.path]


if __name__ == "__main__":
    print(os.pathsep.join(source_roots()))
