"""The smallest buildpacks on libcnb.rs and libcnb (Go), built here, to time their detect.

Their sources are in bench/anchors; what they need comes from the languages' own package
registries, at exact versions, and everything built goes to bench/results.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

__all__ = ["OTHERS", "build_others"]

OTHERS = {"libcnb-rs": "libcnb.rs 0.30.4 (Rust)", "libcnb-go": "libcnb 2.1.0 (Go)"}

_SOURCES = Path(__file__).parent / "anchors"
_BUILD = {
    "libcnb-rs": (("cargo", "build", "--release", "--quiet"), "target/release/anchor"),
    "libcnb-go": (("go", "build", "-trimpath", "-ldflags=-s -w", "-o", "anchor", "."), "anchor"),
}


def build_others(results: Path) -> dict[str, Path]:
    """Build what the toolchains on this machine can build: name → the buildpack's folder.

    Args:
        results: where to build; what is there already is taken as it is.
    """
    found = {}
    for name, (command, program) in _BUILD.items():
        folder = results / "anchors" / name
        if not (folder / "bin" / "detect").exists():
            if not shutil.which(command[0]):
                print(f"{OTHERS[name]} is left out: there is no {command[0]} on PATH")
                continue
            print(f"Building the smallest buildpack on {OTHERS[name]} ...")
            _build(name, command, program, folder)
        found[name] = folder
    return found


def _build(name: str, command: tuple[str, ...], program: str, folder: Path) -> None:
    source = folder / "source"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(_SOURCES / name, source)
    environment = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod"}
    subprocess.run(
        ["env", *(f"{k}={v}" for k, v in environment.items()), *command], cwd=source, check=True
    )
    shutil.copyfile(_SOURCES / "other.toml", folder / "buildpack.toml")
    (folder / "bin").mkdir()
    shutil.copy(source / program, folder / "bin" / "detect")
    shutil.rmtree(source)
