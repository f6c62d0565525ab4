"""One image out of the store, in the forms other tools read."""

from __future__ import annotations

import io
import json
import os
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault, UserFault
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.store import write_index, write_layout_file

if TYPE_CHECKING:
    import tarfile
    from pathlib import Path

    from cnbkit_engine.oci.store import ImageStore

__all__ = ["export_docker_archive", "export_layout", "export_oci_archive"]


def export_layout(store: ImageStore, name: str, directory: Path) -> None:
    """Write a standalone OCI image layout, named by the image's tag.

    Blobs are hard links where the file system allows it, so a large image takes no time and no
    space; they are read-only. An OCI layout that is already at `directory` is replaced.

    Raises:
        UnknownImage: the image is not in the store.
        UserFault: `directory` holds something other than an OCI layout.
        PlatformFault: the disk refuses.
    """
    from cnbkit_engine.state.workspace import Workspace

    if not _may_replace(directory):
        raise UserFault(
            "the place to export to is taken",
            where=str(directory),
            remedy="name a new folder, or an OCI layout to replace",
        )
    directory = directory.absolute()
    with Workspace(directory.parent) as workspace:
        try:
            _fill_layout(store, name, workspace / "new")
            if directory.exists():
                directory.rename(workspace / "old")
            (workspace / "new").rename(directory)
        except OSError as error:
            raise _fault(directory, error) from error


def export_oci_archive(store: ImageStore, name: str, path: Path) -> None:
    """Write the image as an OCI archive: the layout of `export_layout` in one tar file.

    Raises:
        UnknownImage: the image is not in the store.
        PlatformFault: the disk refuses.
    """
    from cnbkit_engine.state.workspace import Workspace

    path = path.absolute()
    with Workspace(path.parent) as workspace:
        try:
            layout = workspace / "layout"
            _fill_layout(store, name, layout)
            with _open_tar(workspace / "archive") as archive:
                for file in sorted(layout.rglob("*")):
                    _add_own(archive, file.relative_to(layout).as_posix(), file)
            (workspace / "archive").replace(path)
        except OSError as error:
            raise _fault(path, error) from error


def export_docker_archive(store: ImageStore, name: str, path: Path) -> None:
    """Write the image as a tar file for `docker load`, podman or skopeo.

    Layers go in as they are stored, compressed: every reader of this form unpacks them itself.
    Of a multi-platform image, the one for this machine is taken.

    Raises:
        UnknownImage: the image is not in the store.
        PlatformFault: the disk refuses.
    """
    from cnbkit_engine.oci.image import Image
    from cnbkit_engine.state.workspace import Workspace

    image = Image.from_store(store, name)
    reference = Reference.parse(name)
    config = f"{image.config_digest.removeprefix('sha256:')}.json"
    names = {layer.digest: f"{layer.digest.removeprefix('sha256:')}.tar" for layer in image.layers}
    manifest = [
        {
            "Config": config,
            "RepoTags": [] if reference.digest else [reference.stored],
            "Layers": [names[layer.digest] for layer in image.layers],
        }
    ]
    path = path.absolute()
    with Workspace(path.parent) as workspace:
        try:
            with _open_tar(workspace / "archive") as archive:
                _add_bytes(archive, "manifest.json", json.dumps(manifest).encode())
                _add_file(archive, config, store.blob_path(image.config_digest))
                for digest, file in names.items():
                    _add_file(archive, file, store.blob_path(digest))
            (workspace / "archive").replace(path)
        except OSError as error:
            raise _fault(path, error) from error


def _fill_layout(store: ImageStore, name: str, directory: Path) -> None:
    image = store.resolve(name)
    reference = Reference.parse(name)
    blobs = directory / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for part in store.reachable(image):
        _link_or_copy(store.blob_path(part.digest), blobs)
    annotations = {}
    if not reference.digest:
        annotations = {
            "io.containerd.image.name": reference.stored,
            "org.opencontainers.image.ref.name": reference.tag,
        }
    write_index(directory, [(image, annotations)])
    write_layout_file(directory)


def _may_replace(directory: Path) -> bool:
    if not directory.exists() or (directory / "oci-layout").is_file():
        return True
    return directory.is_dir() and not any(directory.iterdir())


def _link_or_copy(blob: Path, directory: Path) -> None:
    target = directory / blob.name
    try:
        target.hardlink_to(blob)
    except OSError:  # another file system, or links to others' files are forbidden
        from shutil import copyfile

        copyfile(blob, target)


def _open_tar(path: Path) -> tarfile.TarFile:
    import tarfile

    return tarfile.open(path, "w", format=tarfile.PAX_FORMAT)


def _add_bytes(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    import tarfile

    # A bare TarInfo has neither time nor owner: the same image gives the same archive.
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def _add_file(archive: tarfile.TarFile, name: str, path: Path) -> None:
    import tarfile

    entry = tarfile.TarInfo(name)
    with path.open("rb") as file:
        entry.size = os.fstat(file.fileno()).st_size
        archive.addfile(entry, file)


def _add_own(archive: tarfile.TarFile, name: str, path: Path) -> None:
    """Add a file or folder as the caller's own.

    Unpacking an OCI archive, skopeo gives each entry, and folders that are not listed, to the
    owner the archive says; an ordinary user's skopeo fails where that is root.
    """
    import tarfile

    entry = tarfile.TarInfo(name)
    entry.uid, entry.gid = os.getuid(), os.getgid()
    if path.is_dir():
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(entry)
        return
    with path.open("rb") as file:
        entry.size = os.fstat(file.fileno()).st_size
        archive.addfile(entry, file)


def _fault(path: Path, error: OSError) -> PlatformFault:
    return PlatformFault(
        "the image cannot be exported",
        where=str(path),
        remedy="name a folder that is writable and has space",
        detail=str(error),
    )
