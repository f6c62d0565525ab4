"""The lifecycle, which carries a build out: of a wheel, of its official release, or built.

Version 0.21 speaks Platform API 0.7 to 0.15 and Buildpack API 0.7 to 0.12.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit_engine.state.locks import made_once
from cnbkit_engine.tools.go import MODULES, GoTool

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnbkit_engine.state.home import Home

__all__ = [
    "CRANE_VERSION",
    "LIFECYCLE_VERSION",
    "PHASES",
    "RELEASES",
    "build_lifecycle",
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

RELEASES = "https://github.com/buildpacks/lifecycle/releases/download"
"""Where the official releases are, a folder a version."""

_SOURCE = "github.com/buildpacks/lifecycle"
_LAST_BILL = "launcher.sbom.syft.json"


def ensure_lifecycle(
    home: Home, *, arch: str, progress: Callable[[str], None] = lambda _line: None
) -> Path:
    """The folder with the lifecycle's programs: `lifecycle`, the `PHASES`, and `launcher`.

    Beside the first and the last are their bills of materials, as in the official release; the
    exporter puts the launcher's into each image. Made when first asked for; after that this costs
    a few `stat`s and needs no network.

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
        if _copy_from_wheel(folder, arch):
            _link_phases(folder)
            return
        name = release_name(arch)
        checksum = known_checksums().get(name)
        address = f"{RELEASES}/v{LIFECYCLE_VERSION}/{name}"
        if checksum:
            reason = download_release(address, checksum, folder)
            if not reason:
                return
            progress(f"The lifecycle's official release cannot be fetched: {reason}")
        build_lifecycle(folder, arch, progress)
        _link_phases(folder)

    made = made_once(home.tools / f"lifecycle-{LIFECYCLE_VERSION}-linux-{arch}", make)
    # Apart from the programs, so that those of a home that had no bills need not be built again.
    if not (made / _LAST_BILL).exists():
        _write_bills(made)
    return made


def build_lifecycle(folder: Path, arch: str, progress: Callable[[str], None]) -> None:
    """Build `lifecycle` and `launcher` from the Go module into an empty folder.

    Raises:
        PlatformFault: there is no Go, its sources cannot be had, or they do not build.
    """
    progress("Building the lifecycle from source (about two minutes) ...")
    _build(
        "lifecycle",
        (f"{_SOURCE}/cmd/lifecycle", f"{_SOURCE}/cmd/launcher"),
        {f"{_SOURCE}/cmd.Version": LIFECYCLE_VERSION},
        folder,
        arch,
        progress,
    )
    progress("Built the lifecycle")


def _write_bills(folder: Path) -> None:
    from cnbkit_engine.state.disk import disk_fault, replace_file
    from cnbkit_engine.state.locks import locked
    from cnbkit_engine.state.tree_record import record_tree
    from cnbkit_engine.tools.go_bills import go_bills
    from cnbkit_engine.tools.go_modules import built_from

    with locked(folder):
        try:
            for program in ("lifecycle", "launcher"):
                bills = go_bills(program, f"/cnb/lifecycle/{program}", built_from(folder / program))
                for kind, document in bills.items():
                    bill = folder / f"{program}.sbom.{kind}.json"
                    replace_file(bill, document)
                    bill.chmod(0o644)
            record_tree(folder, folder)
        except OSError as error:
            raise disk_fault(error, "cannot write what builds need", folder) from error


def _link_phases(folder: Path) -> None:
    for phase in PHASES:
        (folder / phase).symlink_to("lifecycle")


def _copy_from_wheel(folder: Path, arch: str) -> bool:
    """Take the programs of the wheel `cnbkit-lifecycle`, if it is of this version and processor."""
    from importlib.metadata import PackageNotFoundError, distribution

    from cnbkit_engine.sandbox.elf import architecture_of

    try:
        wheel = distribution("cnbkit-lifecycle")
    except PackageNotFoundError:
        return False
    programs = Path(str(wheel.locate_file("cnbkit_lifecycle/programs")))
    if wheel.version != LIFECYCLE_VERSION:
        return False
    if architecture_of(programs / "lifecycle") != arch:
        return False
    import shutil

    for name in ("lifecycle", "launcher"):
        shutil.copy(programs / name, folder / name)
        (folder / name).chmod(0o755)
    return True


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
