"""Checks everything cnbkit keeps on disk, and puts right what can be."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnbkit.errors import CnbkitError, PlatformFault
from cnbkit_engine.oci import types
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.oci.types import Descriptor
from cnbkit_engine.state.tree_record import differs_from_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cnbkit_engine.state.home import Home

__all__ = ["Doctor", "Finding"]

_LEAST = 100 << 20  # bytes free below which no build gets far


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be.

    Args:
        what: is wrong.
        where: the file, folder or image.
        done: what `--repair` has done about it, or would do; empty if only a person can.
    """

    what: str
    where: str
    done: str = ""


class Doctor:
    """Goes through a home.

    Args:
        home: what to check.
        repair: put right what can be; else nothing is changed.
        show: told what is being checked.
    """

    def __init__(self, home: Home, *, repair: bool, show: Callable[[str], None]) -> None:
        self._home = home
        self._repair = repair
        self._show = show
        self._store = ImageStore(home.images)
        self._found: list[Finding] = []

    def run(self) -> list[Finding]:
        """Check all; returns what is wrong.

        Raises:
            PlatformFault: the disk refuses.
        """
        if not os.path.lexists(self._home.root):
            return []  # nothing has been built yet
        self._found = found = list(self._folder())
        if found:
            return found
        if self._store.path.is_dir():
            found += self._index()
            self._show("Reading all blobs of the image store ...")
            bad = list(self._blobs())
            found += self._images({finding.where for finding in bad})
            found += bad
            self._show("Comparing unpacked layers ...")
            found += self._layers()
        self._show("Comparing base images, tools and buildpacks ...")
        for parent in (
            self._home.base,
            self._home.tools,
            self._home.buildpacks,
            self._home.libraries,
        ):
            found += self._trees(parent)
        return found

    def _folder(self) -> Iterator[Finding]:
        root = self._home.root
        if not root.is_dir():
            yield Finding("it is not a folder: set CNBKIT_HOME to another place", str(root))
            return
        owner = root.stat().st_uid
        if owner != os.geteuid():
            yield Finding(
                f"it is of user {owner}, and you are {os.geteuid()}: set CNBKIT_HOME", str(root)
            )
        elif not os.access(root, os.W_OK | os.X_OK):
            yield Finding("it cannot be written: make it writable, or set CNBKIT_HOME", str(root))
        space = os.statvfs(root)
        if space.f_bavail * space.f_frsize < _LEAST:
            yield Finding("its disk is full: free space, or set CNBKIT_HOME", str(root))
        if space.f_files and space.f_favail < 1000:
            yield Finding("its file system has hardly any inodes left: remove files", str(root))

    def _index(self) -> Iterator[Finding]:
        try:
            self._store.names()
        except PlatformFault:
            index = self._store.path / "index.json"
            yield Finding(
                "the image store's index is damaged, so no image has a name",
                str(index),
                "moved to the folder `damaged`; images are built anew",
            )
            if self._repair:
                aside = self._store.path / "damaged"
                aside.mkdir(exist_ok=True)
                index.replace(aside / f"index-{os.urandom(4).hex()}.json")

    def _blobs(self) -> Iterator[Finding]:
        folder = self._store.blobs.folder
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.name.startswith("."):
                continue  # an upload in progress
            digest = f"sha256:{path.name}"
            try:
                blob = Descriptor("", types.check_digest(digest), path.stat().st_size)
            except (CnbkitError, FileNotFoundError):
                continue  # another's file, or pruned meanwhile
            if not self._store.blobs.is_whole(blob, content=True) and path.exists():
                yield Finding("the blob is damaged", digest, "put aside")
                if self._repair:
                    self._store.blobs.put_aside(digest)

    def _images(self, bad: set[str]) -> Iterator[Finding]:
        try:
            names = self._store.names()
        except PlatformFault:
            return  # said already
        for name in names:
            image = self._store.resolve(name)
            gone = [part for part in self._parts(image, bad) if self._is_gone(part, bad)]
            if gone:
                yield Finding(
                    f"{len(gone)} of its blobs are missing or damaged",
                    name,
                    "forgotten; build it again",
                )
                if self._repair:
                    self._store.remove(name)

    def _is_gone(self, part: Descriptor, bad: set[str]) -> bool:
        return part.digest in bad or not self._store.blobs.is_whole(part)

    def _parts(self, image: Descriptor, bad: set[str]) -> Iterator[Descriptor]:
        """As `ImageStore` walks an image, but changing nothing."""
        yield image
        if image.media_type not in types.MANIFEST_TYPES | types.INDEX_TYPES or self._is_gone(
            image, bad
        ):
            return
        document = json.loads(self._store.blob_path(image.digest).read_bytes())
        for part in types.references(image.media_type, document):
            yield from self._parts(part, bad)

    def _layers(self) -> Iterator[Finding]:
        from cnbkit_engine.oci.unpack_check import is_unpacked_right
        from cnbkit_engine.oci.unpacked import diff_id_of

        known = {}
        for image in self._readable():
            known.update({layer.diff_id: layer for layer in image.layers})
        for folder in _visible(self._home.layers):
            layer = known.get(diff_id_of(folder))
            if layer is None or not self._store.blobs.is_whole(layer.descriptor):
                continue  # prune's, or there is nothing to compare it with
            if not is_unpacked_right(self._store.blob_path(layer.digest), folder):
                what = "the unpacked layer is not what the image has"
                yield Finding(what, str(folder), "removed")
                if self._repair:
                    self._remove(folder)

    def _readable(self) -> Iterator[Image]:
        """Images of which nothing has been found damaged."""
        try:
            names = self._store.names()
        except PlatformFault:
            return  # said already
        for name in names:
            if not any(finding.where == name for finding in self._found):
                try:
                    yield Image.from_store(self._store, name)
                except CnbkitError:
                    continue  # another platform's, or not an image

    def _trees(self, parent: Path) -> Iterator[Finding]:
        for folder in _visible(parent):
            if difference := differs_from_record(folder):
                yield Finding(
                    f"{difference} is missing or has another size", str(folder), "removed"
                )
                if self._repair:
                    self._remove(folder)

    def _remove(self, folder: Path) -> None:
        from cnbkit_engine.state.discard import discarded

        with suppress(FileNotFoundError), discarded(folder):
            pass


def _visible(parent: Path) -> list[Path]:
    # Names that begin with a dot are locks, and workspaces of somebody who is at work.
    if not parent.is_dir():
        return []
    return [path for path in sorted(parent.iterdir()) if path.is_dir() and path.name[0] != "."]
