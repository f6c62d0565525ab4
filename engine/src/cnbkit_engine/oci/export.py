"""One image out of the store, in the forms other tools read."""

from __future__ import annotations

import io
import json
import os
from typing import IO, TYPE_CHECKING

from cnbkit_engine.oci.export_place import (
    MARK,
    check_archive_place,
    check_layout_place,
    stream_to,
)
from cnbkit_engine.oci.layout_files import write_index, write_layout_file
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.state.disk import disk_fault

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cnbkit_engine.oci.image import Image
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.oci.types import Descriptor

__all__ = ["export_docker_archive", "export_layout", "export_oci_archive"]


def export_layout(store: ImageStore, name: str, directory: Path) -> None:
    """Write a standalone OCI image layout, named by the image's tag.

    Blobs are hard links where the file system allows it, so a large image takes no time and no
    space; they are read-only. A layout that an earlier export wrote is replaced.

    Raises:
        UnknownImage: the image is not in the store.
        UserFault: `directory` holds something else.
        PlatformFault: the image is damaged, or the disk refuses.
    """
    from cnbkit_engine.state.workspace import Workspace

    directory = check_layout_place(directory, store.path)
    image = store.resolve(name)
    parts = _parts(store, image)
    with Workspace(directory.parent) as workspace:
        try:
            fresh = workspace / "new"
            (fresh / "blobs" / "sha256").mkdir(parents=True)
            for part in parts:
                _link_or_copy(store, part, fresh / "blobs" / "sha256")
            write_index(fresh, [(image, _annotations(name))], MARK)
            write_layout_file(fresh)
            if directory.exists():
                directory.rename(workspace / "old")
            fresh.rename(directory)
        except OSError as error:
            raise disk_fault(error, "the image cannot be exported", directory) from error


def export_oci_archive(store: ImageStore, name: str, path: Path) -> None:
    """Write the image as an OCI archive: an OCI layout in one tar file, or stream.

    Args:
        store: has the image.
        name: the image's.
        path: of the file; a pipe, `/dev/stdout` or `/dev/fd/N` is written to as it is.

    Raises:
        UnknownImage: the image is not in the store.
        UserFault: something else is at `path`.
        PlatformFault: the image is damaged, or the disk refuses.
    """
    image = store.resolve(name)
    parts = _parts(store, image)

    def fill(archive: tarfile.TarFile) -> None:
        for folder in ("blobs", "blobs/sha256"):
            _add_own_folder(archive, folder)
        for part in sorted(parts, key=lambda part: part.digest):
            with store.open_for_reading(part) as file:
                _add_own(archive, f"blobs/{part.digest.replace(':', '/')}", file, part.size)
        for file_name, data in _layout_files(image, name):
            _add_own(archive, file_name, io.BytesIO(data), len(data))

    _write_archive(path, store, fill)


def export_docker_archive(store: ImageStore, name: str, path: Path) -> None:
    """Write the image as a tar file for `docker load`, podman or skopeo.

    Layers go in as they are stored, compressed: every reader of this form unpacks them itself.
    Of a multi-platform image, the one for this machine is taken. Arguments and faults are those of
    `export_oci_archive`.
    """
    from cnbkit_engine.oci.image import Image

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

    def fill(archive: tarfile.TarFile) -> None:
        for file_name, data in (
            ("manifest.json", json.dumps(manifest).encode()),
            (config, store.read_blob(image.config_digest)),
        ):
            _add(archive, file_name, io.BytesIO(data), len(data))
        for layer in _each_once(image):
            with store.open_for_reading(layer) as file:
                _add(archive, names[layer.digest], file, layer.size)

    _write_archive(path, store, fill)


def _parts(store: ImageStore, image: Descriptor) -> list[Descriptor]:
    """All of an image that is here, of the right size."""
    parts = store.reachable(image)
    for part in parts:
        store.open_for_reading(part).close()
    return parts


def _each_once(image: Image) -> list[Descriptor]:
    from cnbkit_engine.oci.types import Descriptor

    parts = {layer.digest: layer for layer in image.layers}
    return [Descriptor(part.media_type, part.digest, part.size) for part in parts.values()]


def _annotations(name: str) -> dict[str, str]:
    reference = Reference.parse(name)
    if reference.digest:
        return {}
    return {
        "io.containerd.image.name": reference.stored,
        "org.opencontainers.image.ref.name": reference.tag,
    }


def _layout_files(image: Descriptor, name: str) -> Iterator[tuple[str, bytes]]:
    """What `write_index` and `write_layout_file` write."""
    from cnbkit_engine.oci.layout_files import LAYOUT, index_document

    yield "index.json", index_document([(image, _annotations(name))], MARK)
    yield "oci-layout", LAYOUT


def _write_archive(path: Path, store: ImageStore, fill: Callable[[tarfile.TarFile], None]) -> None:
    import tarfile

    from cnbkit_engine.state.workspace import Workspace

    try:
        if (stream := stream_to(path)) is not None:
            # In blocks of its own size, without ever going back.
            with stream, tarfile.open(fileobj=stream, mode="w|") as archive:
                fill(archive)
            return
        path = check_archive_place(path, store.path)
        with Workspace(path.parent) as workspace:
            with tarfile.open(workspace / "archive", "w", format=tarfile.PAX_FORMAT) as archive:
                fill(archive)
            (workspace / "archive").replace(path)
    except BrokenPipeError:
        raise  # the reader has what it wants
    except OSError as error:
        raise disk_fault(error, "the image cannot be exported", path) from error


def _link_or_copy(store: ImageStore, blob: Descriptor, directory: Path) -> None:
    source = store.blob_path(blob.digest)
    target = directory / source.name
    try:
        target.hardlink_to(source)
    except OSError:  # another file system, or links to others' files are forbidden
        from shutil import copyfile

        copyfile(source, target)


def _add(archive: tarfile.TarFile, name: str, file: IO[bytes], size: int) -> None:
    import tarfile

    # A bare TarInfo has neither time nor owner: the same image gives the same archive.
    entry = tarfile.TarInfo(name)
    entry.size = size
    archive.addfile(entry, file)


def _add_own(archive: tarfile.TarFile, name: str, file: IO[bytes], size: int) -> None:
    """Add a file as the caller's own.

    Unpacking an OCI archive, skopeo gives each entry, and folders that are not listed, to the
    owner the archive says; an ordinary user's skopeo fails where that is root.
    """
    import tarfile

    entry = tarfile.TarInfo(name)
    entry.uid, entry.gid, entry.size = os.getuid(), os.getgid(), size
    archive.addfile(entry, file)


def _add_own_folder(archive: tarfile.TarFile, name: str) -> None:
    import tarfile

    entry = tarfile.TarInfo(name)
    entry.uid, entry.gid = os.getuid(), os.getgid()
    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    archive.addfile(entry)
