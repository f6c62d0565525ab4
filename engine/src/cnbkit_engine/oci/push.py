"""Images to a registry: blobs first, then the manifests they belong to, and the name last.

What is pushed appears at once. An interrupted push leaves blobs nobody refers to, which registries
remove.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode, urljoin

from cnbkit.errors import PlatformFault
from cnbkit_engine.oci import types
from cnbkit_engine.oci.session import Broken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnbkit_engine.oci.session import Session
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.oci.types import Descriptor

__all__ = ["Source", "push_image", "push_manifest"]

_ATTEMPTS = 3


class Source(Protocol):
    """An image in a registry."""

    @property
    def host(self) -> str:
        """The registry."""

    @property
    def path(self) -> str:
        """The repository within it."""

    def fetch_blob(self, store: ImageStore, blob: Descriptor) -> None:
        """Bring a blob of it to a store."""


def push_image(session: Session, store: ImageStore, image: Descriptor, tag: str) -> None:
    """Push an image or index, and what it refers to.

    Args:
        session: talks to the registry.
        store: has it all.
        image: what to push.
        tag: the name it gets; empty for its digest alone.

    Raises:
        PlatformFault: the registry cannot be reached, refuses, or answers nonsense; or a file of
            the store is damaged.
    """
    data = store.read_blob(image.digest)
    for part in types.references(image.media_type, json.loads(data)):
        if part.media_type in types.MANIFEST_TYPES | types.INDEX_TYPES:
            push_image(session, store, part, "")
        elif not _has(session, part):
            _push_blob(session, store, part)
    _put_manifest(session, tag or image.digest, image.media_type, data)


def push_manifest(
    session: Session,
    store: ImageStore,
    kind: str,
    data: bytes,
    reference: str,
    sources: Mapping[str, Source],
) -> None:
    """Push a manifest, and the blobs of it that the registry lacks.

    Args:
        session: talks to the registry.
        store: has the blobs, all but those of `sources`.
        kind: the manifest's media type.
        data: its bytes.
        reference: its tag, or its digest.
        sources: images that have the others, by digest: taken over within the registry where it
            does that, else brought to the store and sent.

    Raises:
        PlatformFault: as `push_image`.
    """
    for part in types.references(kind, json.loads(data)):
        if _has(session, part):
            continue
        source = sources.get(part.digest)
        if source and not store.has_blob(part.digest):
            if _taken_over(session, part, source):
                continue
            source.fetch_blob(store, part)
        _push_blob(session, store, part)
    _put_manifest(session, reference, kind, data)


def _put_manifest(session: Session, reference: str, kind: str, data: bytes) -> None:
    answer = session.request(
        "PUT", f"manifests/{reference}", body=data, headers={"Content-Type": kind}
    )
    session.expect(answer, 201, f"takes no manifest {reference}")


def _has(session: Session, blob: Descriptor) -> bool:
    return session.request("HEAD", f"blobs/{blob.digest}").status == 200


def _taken_over(session: Session, blob: Descriptor, source: Source) -> bool:
    """Have the registry take a blob from another repository of its own."""
    if source.host != session.host:
        return False
    query = urlencode({"mount": blob.digest, "from": source.path})
    try:
        # Where it cannot, it begins an upload (202), which is left to it to forget.
        return session.request("POST", f"blobs/uploads/?{query}").status == 201
    except PlatformFault:
        return False  # who may not read there as a repository of this one may read it there


def _push_blob(session: Session, store: ImageStore, blob: Descriptor) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            opened, answered = session.send(
                "POST", urljoin(session.base, "blobs/uploads/"), None, {}
            )
            session.expect(opened, 202, "takes no upload")
            place = session.upload_address(answered, opened.headers.get("Location", ""))
            place += ("&" if "?" in place else "?") + urlencode({"digest": blob.digest})
            with store.open_for_reading(blob) as file:
                headers = {
                    "Content-Length": str(blob.size),
                    "Content-Type": "application/octet-stream",
                }
                answer, _ = session.send("PUT", place, file, headers)
            if answer.status < 500 or attempt == _ATTEMPTS:
                session.expect(answer, 201, f"does not take {blob.digest}")
                return
        except Broken as error:
            if attempt == _ATTEMPTS:
                raise session.unreachable(error) from None
