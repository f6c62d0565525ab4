"""Images in registries, by the OCI distribution API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cnbkit.errors import PlatformFault, UserFault
from cnbkit.flow import pieces
from cnbkit_engine.oci import types
from cnbkit_engine.oci.push import push_image, push_manifest
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.session import Broken, Nonsense, Session, broken
from cnbkit_engine.oci.store import PIECE, ImageStore, UnknownImage
from cnbkit_engine.oci.types import Descriptor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Remote"]

_INDEXES = 4  # nested in each other; images have one
_ACCEPT = ", ".join(sorted(types.MANIFEST_TYPES | types.INDEX_TYPES))


class Remote:
    """One image of a registry.

    Args:
        name: `host/repository[:tag|@digest]`; without a host it is Docker Hub's.
        insecure: hosts to speak plain HTTP to, besides this machine.

    Raises:
        UserFault: it is not an image name.
    """

    def __init__(self, name: str, *, insecure: Sequence[str] = ()) -> None:
        self.name = name
        self._reference = Reference.parse(name)
        self._session = Session(self._reference, name, insecure=insecure)

    @property
    def host(self) -> str:
        """The registry."""
        return self._reference.domain

    @property
    def path(self) -> str:
        """The repository within the registry."""
        return self._reference.path

    @property
    def repository(self) -> str:
        """Host and path, without tag and digest."""
        return self._reference.repository

    def push(self, layout: Path, image: Descriptor) -> str:
        """Push an image or index of a layout under this name; returns its digest.

        Raises:
            PlatformFault: the registry cannot be reached, refuses, or answers nonsense; the name
                stands for what it stood for before.
        """
        tag = "" if self._reference.digest else self._reference.tag
        push_image(self._session, ImageStore(layout), image, tag)
        return image.digest

    def push_manifest(
        self, store: ImageStore, kind: str, data: bytes, sources: Mapping[str, Remote]
    ) -> str:
        """Push a manifest under this name; returns its digest.

        Args:
            store: has its blobs, all but those of `sources`.
            kind: its media type.
            data: its bytes.
            sources: images that have the other blobs, by digest.

        Raises:
            PlatformFault: as `push`.
        """
        from hashlib import sha256

        push_manifest(self._session, store, kind, data, self._reference.version, sources)
        return f"sha256:{sha256(data).hexdigest()}"

    def pull(self, layout: Path, arch: str) -> None:
        """Bring the image to a new OCI layout; of several platforms' only one.

        Raises:
            UserFault: there is no such image, or not for this architecture.
            PlatformFault: the registry cannot be reached, refuses, or answers nonsense.
        """
        from cnbkit_engine.oci.store import write_index, write_layout_file

        store = ImageStore(layout)
        kind, data = self._image(store, arch)
        image = Descriptor(kind, store.put_blob(data), len(data))
        write_layout_file(layout)
        write_index(layout, [(image, {})])

    def fetch(self, store: ImageStore, name: str, arch: str) -> str:
        """Bring the image to a store under a name there; blobs it has are not sent again.

        Returns:
            the digest of its manifest.

        Raises:
            UserFault, PlatformFault: as `pull`.
        """
        kind, data = self._image(store, arch)
        return store.put_manifest(name, kind, data)

    def _image(self, store: ImageStore, arch: str) -> tuple[str, bytes]:
        """One platform's manifest, with all it refers to in the store."""
        kind, data = self._chosen(arch)
        for blob in types.references(kind, json.loads(data)):
            if not store.has_blob(blob.digest):
                self.fetch_blob(store, blob)
        return kind, data

    def _chosen(self, arch: str) -> tuple[str, bytes]:
        """Media type and bytes of one platform's manifest."""
        reference = self._reference.version
        for _ in range(_INDEXES):
            kind, data = self._manifest(reference)
            if kind not in types.INDEX_TYPES:
                return kind, data
            reference = self._platform(json.loads(data), arch)
        raise self._session.nonsense(f"more than {_INDEXES} indexes are nested")

    def manifest(self, arch: str) -> tuple[str, bytes]:
        """Media type and bytes of the image's manifest, of several platforms' of one.

        Raises:
            UserFault: there is no such image, or not for this architecture.
            PlatformFault: as `pull`.
        """
        return self._chosen(arch)

    def blob(self, blob: Descriptor) -> bytes:
        """The bytes of a small blob.

        Raises:
            PlatformFault: as `pull`.
        """
        from hashlib import sha256

        answer = self._session.request("GET", f"blobs/{blob.digest}")
        self._session.expect(answer, 200, f"does not give {blob.digest}")
        if f"sha256:{sha256(answer.data).hexdigest()}" != blob.digest:
            raise self._session.nonsense(f"{blob.digest} has another digest than it was asked by")
        return answer.data

    def digest(self) -> str:
        """The digest the name stands for now.

        Raises:
            UserFault: there is no such image.
            PlatformFault: as `pull`.
        """
        from hashlib import sha256

        return f"sha256:{sha256(self._manifest(self._reference.version)[1]).hexdigest()}"

    def manifest_digest(self, arch: str) -> str:
        """The digest of the image's manifest, of several platforms' of one.

        Raises:
            UserFault: there is no such image, or not for this architecture.
            PlatformFault: as `pull`.
        """
        from hashlib import sha256

        return f"sha256:{sha256(self._chosen(arch)[1]).hexdigest()}"

    def config(self, arch: str) -> Mapping[str, Any]:
        """The config of the image, of several platforms' of one; no layer is fetched.

        Of an image for one platform it is that one's, whichever it is.

        Raises:
            UnknownImage: there is no such image.
            UserFault: there is none for this architecture.
            PlatformFault: as `pull`.
        """
        from hashlib import sha256

        kind, data = self._chosen(arch)
        blob = json.loads(data).get("config")
        wanted = types.check_digest(str(blob.get("digest") if isinstance(blob, dict) else blob))
        answer = self._session.request("GET", f"blobs/{wanted}")
        self._session.expect(answer, 200, "does not give the config")
        if f"sha256:{sha256(answer.data).hexdigest()}" != wanted:
            raise self._session.nonsense("the config has another digest than it was asked by")
        try:
            found = json.loads(answer.data)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self._session.nonsense(f"the config of a {kind} is not a JSON object")
        return found

    def damage(self, arch: str) -> str:
        """What of the image is missing or damaged, in words; empty if nothing, or without an image.

        Its manifest and config are read, its layers are asked for.

        Raises:
            PlatformFault: the registry cannot be reached, or refuses.
        """
        from concurrent.futures import ThreadPoolExecutor

        try:
            kind, data = self._chosen(arch)
            parts = types.references(kind, json.loads(data))
            self.config(arch)
        except (UnknownImage, UserFault):
            return ""
        except (Nonsense, AttributeError, TypeError, ValueError):
            return "its manifest or config is not readable"
        except PlatformFault as fault:
            if fault.what.startswith(("the registry does not give", "not a", "this is not a")):
                return "its manifest or config is missing"
            raise

        def missing(part: Descriptor) -> bool:
            answer = self._session.request("HEAD", f"blobs/{part.digest}")
            size = answer.headers.get("Content-Length", str(part.size))
            return answer.status == 404 or (answer.status == 200 and size != str(part.size))

        with ThreadPoolExecutor(8) as pool:
            gone = [part for part, bad in zip(parts, pool.map(missing, parts), strict=True) if bad]
        return f"{len(gone)} of its blobs are missing or torn" if gone else ""

    def layers(self, arch: str) -> list[Descriptor]:
        """The layers of the image, of several platforms' of one; none is fetched.

        Raises:
            UserFault: there is no such image, or not for this architecture.
            PlatformFault: as `pull`.
        """
        kind, data = self._chosen(arch)
        return types.references(kind, json.loads(data))[1:]  # the config comes first

    def blobs(self, arch: str) -> dict[str, Descriptor]:
        """The layers of the image by their diffIDs; none is fetched.

        Raises:
            UserFault: there is no such image, or not for this architecture.
            PlatformFault: as `pull`.
        """
        layers = self.layers(arch)
        rootfs = self.config(arch).get("rootfs")
        diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
        if not isinstance(diff_ids, list) or len(diff_ids) != len(layers):
            raise self._session.nonsense("the config has not a diffID for each layer")
        return {
            types.check_digest(each): layer for each, layer in zip(diff_ids, layers, strict=True)
        }

    def _manifest(self, reference: str) -> tuple[str, bytes]:
        answer = self._session.request("GET", f"manifests/{reference}", headers={"Accept": _ACCEPT})
        if answer.status == 404:
            raise UnknownImage(
                f"there is no image {self.name!r}",
                where=self._session.host,
                remedy="correct the name; with a private registry, log in with `docker login`",
            )
        self._session.expect(answer, 200, "does not give the manifest")
        from hashlib import sha256

        if ":" in reference and f"sha256:{sha256(answer.data).hexdigest()}" != reference:
            raise self._session.nonsense("the manifest has another digest than it was asked by")
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        try:
            kind = str(json.loads(answer.data).get("mediaType") or kind)
        except (AttributeError, ValueError, RecursionError):
            raise self._session.nonsense("the manifest is not a JSON object") from None
        if kind not in types.MANIFEST_TYPES | types.INDEX_TYPES:
            raise self._session.nonsense(f"{kind or 'nothing'} is not a media type of a manifest")
        return kind, answer.data

    def _platform(self, index: Mapping[str, Any], arch: str) -> str:
        offered = []
        items = index.get("manifests")
        for item in items if isinstance(items, list) else ():
            platform = item.get("platform") if isinstance(item, dict) else None
            if not isinstance(platform, dict):
                continue
            if (platform.get("os"), platform.get("architecture")) == ("linux", arch):
                return types.check_digest(item.get("digest"))
            offered.append(f"{platform.get('os')}/{platform.get('architecture')}")
        raise UserFault(
            f"{self.name!r} has no image for linux/{arch}",
            where=self._session.host,
            remedy="it is for " + (", ".join(offered) or "nothing"),
        )

    def fetch_blob(self, store: ImageStore, blob: Descriptor) -> None:
        """Bring a blob to a store.

        Raises:
            PlatformFault: as `pull`.
        """
        answer = self._session.request("GET", f"blobs/{blob.digest}", stream=True)
        try:
            self._session.expect(answer, 200, f"does not give {blob.digest}")
            with store.open_blob() as writer:
                size = 0
                for piece in pieces(answer, PIECE):
                    size += len(piece)
                    if size > blob.size:
                        answer.close()
                        raise self._session.nonsense(
                            f"{blob.digest} has more than the {blob.size} bytes that the manifest"
                            " says"
                        )
                    writer.write(piece)
                writer.commit(blob.digest)
        except broken() as error:
            raise self._session.unreachable(Broken(str(error))) from None
        finally:
            answer.release_conn()
