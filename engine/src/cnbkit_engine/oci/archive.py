"""Packages as single files: an OCI image layout in an uncompressed tar."""

from __future__ import annotations

import tarfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from cnbkit.errors import UserFault
from cnbkit.tar_header import BoundedHeader
from cnbkit_engine.oci.layer import TIME

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_archive", "write_archive"]

_NAMES = ("index.json", "oci-layout")


def write_archive(layout: Path, path: Path) -> None:
    """Write a layout as one file, the same bytes whoever does it; replaces `path` at the end.

    Raises:
        OSError: the disk refuses; `path` is as it was.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as archive:
            for name in ("blobs", "blobs/sha256"):
                folder = tarfile.TarInfo(name)
                folder.type, folder.mode, folder.mtime = tarfile.DIRTYPE, 0o755, TIME
                archive.addfile(folder)
            blobs = sorted((layout / "blobs" / "sha256").iterdir())
            for file in [*blobs, *(layout / name for name in _NAMES)]:
                item = tarfile.TarInfo(file.relative_to(layout).as_posix())
                item.size, item.mode, item.mtime = file.stat().st_size, 0o644, TIME
                with file.open("rb") as content:
                    archive.addfile(item, content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_archive(path: Path, layout: Path) -> None:
    """Unpack such a file, pack's or another's, into a new folder.

    Nothing but blobs and the two files of a layout is taken, whatever else is in it.

    Raises:
        UserFault: it is not an OCI image layout in a tar file.
        OSError: the disk refuses.
    """
    (layout / "blobs" / "sha256").mkdir(parents=True)
    try:
        with tarfile.open(path, "r:", tarinfo=BoundedHeader) as archive:
            for item in archive:
                parts = [part for part in PurePosixPath(item.name).parts if part not in "/."]
                blob = len(parts) == 3 and parts[:2] == ["blobs", "sha256"] and parts[2].isalnum()
                if not item.isreg() or not (blob or (len(parts) == 1 and parts[0] in _NAMES)):
                    continue
                source = archive.extractfile(item)
                assert source is not None
                with layout.joinpath(*parts).open("wb") as file:
                    while piece := source.read(1 << 20):
                        file.write(piece)
    except (tarfile.TarError, EOFError) as error:
        raise _no_package(path, str(error)) from None
    if not (layout / "index.json").is_file():
        raise _no_package(path, "there is no index.json in it")


def _no_package(path: Path, detail: str) -> UserFault:
    return UserFault(
        "not a package: no OCI image layout in a tar file",
        where=str(path),
        remedy="name a .cnb file that `cnbkit package` or `pack buildpack package` made",
        detail=detail,
    )
