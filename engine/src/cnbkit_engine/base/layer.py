"""Turn mmdebstrap's archive into an OCI image of one layer, the same bytes every time."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import IO, TYPE_CHECKING, Any

from cnbkit.tar_header import SolidHeader
from cnbkit_engine.base.recipe import EPOCH, OWNER
from cnbkit_engine.oci.types import OCI_MANIFEST

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from cnbkit_engine.base.recipe import BaseRecipe
    from cnbkit_engine.oci.store import BlobWriter, ImageStore

__all__ = ["store_image"]

_RELEASED = "io.buildpacks.base.released"
_DAY = "usr/share/cnbkit/released"  # finish.py writes it
_CREATED = "1980-01-01T00:00:01Z"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_CONFIG = "application/vnd.oci.image.config.v1+json"


def store_image(archive: IO[bytes], recipe: BaseRecipe, store: ImageStore) -> tuple[str, bytes]:
    """Store the layer and the config; return the manifest's media type and bytes.

    Raises:
        PlatformFault: the store cannot be written.
        tarfile.TarError: the archive is cut short.
    """
    with store.open_blob() as blob:
        diff_id, released = _write_layer(archive, blob)
        size = blob.size
        layer = {"mediaType": _LAYER, "digest": blob.commit(None), "size": size}
    config = _json(
        {
            "architecture": recipe.arch,
            "os": "linux",
            "created": _CREATED,
            "config": {
                "User": f"{OWNER}:{OWNER}",
                "Env": [f"{key}={value}" for key, value in recipe.variables().items()],
                "Labels": recipe.labels() | {_RELEASED: released},
            },
            "rootfs": {"type": "layers", "diff_ids": [diff_id]},
            "history": [{"created": _CREATED, "created_by": "cnbkit: Debian packages"}],
        }
    )
    descriptor = {"mediaType": _CONFIG, "digest": store.put_blob(config), "size": len(config)}
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor,
        "layers": [layer],
    }
    return OCI_MANIFEST, _json(manifest)


def _write_layer(archive: IO[bytes], blob: BlobWriter) -> tuple[str, str]:
    """Copy the archive's entries into a gzip-compressed layer; return its diffID, and its day."""
    released = ""
    # No file name and time in gzip's header either.
    with gzip.GzipFile(
        fileobj=_Sink(blob), mode="wb", filename="", mtime=0, compresslevel=6
    ) as out:
        layer = _Hashed(out)
        with (
            tarfile.open(fileobj=archive, mode="r|", tarinfo=SolidHeader) as entries,
            tarfile.open(fileobj=layer, mode="w|", format=tarfile.PAX_FORMAT) as files,
        ):
            for entry in entries:
                entry.name = entry.name.removeprefix("./")
                # container engines make their own /dev, and a device node needs root to unpack
                if entry.name in ("", ".") or entry.name.startswith("dev/"):
                    continue
                if entry.islnk():
                    entry.linkname = entry.linkname.removeprefix("./")
                entry.mtime = EPOCH
                entry.uname = entry.gname = ""  # numbers only: names differ between machines
                entry.pax_headers = {}
                content = entries.extractfile(entry) if entry.isreg() else None
                if content and entry.name == _DAY:
                    text = content.read()
                    released, content = text.decode().strip(), io.BytesIO(text)
                files.addfile(entry, content)
    return f"sha256:{layer.hash.hexdigest()}", released


class _Hashed(io.RawIOBase):
    """A file to write to that hashes what passes."""

    def __init__(self, target: gzip.GzipFile) -> None:
        super().__init__()
        self.hash = hashlib.sha256()
        self._target = target

    def write(self, data: Buffer) -> int:
        self.hash.update(data)
        return self._target.write(data)


class _Sink:
    """A blob writer as the file object gzip expects."""

    def __init__(self, blob: BlobWriter) -> None:
        self._blob = blob

    def write(self, data: bytes) -> int:
        self._blob.write(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True).encode()
