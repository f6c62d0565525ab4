"""The lifecycle, which carries a build out: its official release, else built from its Go module.

Version 0.21 speaks Platform API 0.7 to 0.15 and Buildpack API 0.7 to 0.12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit_engine.state.locks import made_once
from cnbkit_engine.tools.go import MODULES, GoTool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cnbkit_engine.state.home import Home

__all__ = [
    "CRANE_VERSION",
    "LIFECYCLE_VERSION",
    "PHASES",
    "ensure_crane",
    "ensure_lifecycle",
    "known_checksums",
    "release_name",
]

LIFECYCLE_VERSION = "0.21.14"
CRANE_VERSION = "0.22.1"

PHASES = (
    "analyzer",
    "builder",
    "creator",
    "detector",
    "exporter",
    "extender",
    "rebaser",
    "restorer",
)
"""Programs of the lifecycle; each is the one binary under another name. `launcher` is apart."""

_SOURCE = "github.com/buildpacks/lifecycle"


def ensure_lifecycle(
    home: Home, *, arch: str, progress: Callable[[str], None] = lambda _line: None
) -> Path:
    """The folder with the lifecycle's programs: `lifecycle`, the `PHASES`, and `launcher`.

    Made when first asked for; after that this costs one `stat` and needs no network.

    Args:
        home: it goes to `home.tools`.
        arch: `amd64` or `arm64`.
        progress: told, a sentence each, when something long begins and ends.

    Raises:
        PlatformFault: it can be neither downloaded nor built, or the disk is full.
    """

    def make(folder: Path) -> None:
        from cnbkit_engine.tools.download import download_release

        folder.mkdir()
        name = release_name(arch)
        checksum = known_checksums().get(name)
        address = f"https://{_SOURCE}/releases/download/v{LIFECYCLE_VERSION}/{name}"
        if checksum is None or not download_release(address, checksum, folder):
            progress("Building the lifecycle from source (about two minutes) ...")
            _build(
                "lifecycle",
                (f"{_SOURCE}/cmd/lifecycle", f"{_SOURCE}/cmd/launcher"),
                {f"{_SOURCE}/cmd.Version": LIFECYCLE_VERSION},
                folder,
                arch,
                progress,
            )
            for phase in PHASES:
                (folder / phase).symlink_to("lifecycle")
            progress("Built the lifecycle")

    return made_once(home.tools / f"lifecycle-{LIFECYCLE_VERSION}-linux-{arch}", make)


def ensure_crane(
    home: Home, *, arch: str, progress: Callable[[str], None] = lambda _line: None
) -> Path:
    """The program `crane`, with which tests look at images as others see them.

    Args:
        home: it goes to `home.tools`.
        arch: `amd64` or `arm64`.
        progress: told, a sentence each, when something long begins and ends.

    Raises:
        PlatformFault: it cannot be built, or the disk is full.
    """

    def make(folder: Path) -> None:
        folder.mkdir()
        progress("Building crane from source (about half a minute) ...")
        package = "github.com/google/go-containerregistry/cmd/crane"
        _build("crane", (package,), {}, folder, arch, progress)
        progress("Built crane")

    return made_once(home.tools / f"crane-{CRANE_VERSION}-linux-{arch}", make) / "crane"


def release_name(arch: str) -> str:
    """The file name of the official release for `amd64` or `arm64`."""
    machine = {"amd64": "x86-64"}.get(arch, arch)
    return f"lifecycle-v{LIFECYCLE_VERSION}+linux.{machine}.tgz"


def known_checksums() -> dict[str, str]:
    """Release archives whose sha256 somebody has confirmed: file name to hexadecimal digits."""
    lines = (MODULES / "lifecycle" / "checksums.txt").read_text().splitlines()
    pairs = (line.split() for line in lines if line.strip() and not line.startswith("#"))
    return {name: checksum for checksum, name in pairs}


def _build(
    tool: str,
    packages: tuple[str, ...],
    variables: dict[str, str],
    folder: Path,
    arch: str,
    progress: Callable[[str], None],
) -> None:
    from cnbkit_engine.state.workspace import Workspace

    with Workspace(folder.parent) as space:
        GoTool(MODULES / tool, packages, variables).build(folder, arch, space, progress)
