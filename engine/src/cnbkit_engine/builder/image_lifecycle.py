"""The lifecycle of a builder image: cnbkit's own, or the archive that builder.toml names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnbkit.errors import UserFault
from cnbkit_engine.builder.checks import check_programs
from cnbkit_engine.lifecycle.archive import lifecycle_table, read_lifecycle
from cnbkit_engine.lifecycle.install import LIFECYCLE_VERSION, ensure_lifecycle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cnbkit_engine.spec.builder import BuilderDescriptor
    from cnbkit_engine.state.home import Home

__all__ = ["image_lifecycle"]


def image_lifecycle(
    home: Home,
    builder: BuilderDescriptor,
    path: Path,
    space: Path,
    arch: str,
    show: Callable[[str], None],
) -> tuple[Path, dict[str, Any]]:
    """The folder with its programs, and its lifecycle.toml.

    Args:
        home: cnbkit's own is kept there.
        builder: builder.toml.
        path: of builder.toml.
        space: where an archive is unpacked.
        arch: what the builder is for.
        show: told, a sentence each, when something long begins and ends.

    Raises:
        UserFault: the archive is not there or not for this, or another version is named.
        PlatformFault: the network is out of reach, or the disk is full.
    """
    wanted = builder.lifecycle
    if wanted and wanted.uri:
        archive = (path.parent / wanted.uri.removeprefix("file://")).resolve()
        if not archive.is_file():
            raise UserFault(
                f"there is no archive {wanted.uri}",
                where=str(path),
                remedy="download the lifecycle and name the file, or leave [lifecycle] out",
            )
        folder = space / "lifecycle"
        table = read_lifecycle(archive, folder)
        check_programs(folder, arch, wanted.uri, path)
        return folder, table
    if wanted and wanted.version not in (None, LIFECYCLE_VERSION):
        raise UserFault(
            f"cnbkit has lifecycle {LIFECYCLE_VERSION}, not {wanted.version}",
            where=str(path),
            remedy="download that one and name the file in [lifecycle] uri",
        )
    return ensure_lifecycle(home, arch=arch, progress=show), lifecycle_table()
