"""Images to a registry: blobs first, then the manifests they belong to, and the name last.

What is pushed appears at once. An interrupted push leaves blobs nobody refers to, which registries
remove.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin

from cnbkit_engine.oci import types
from cnbkit_engine.oci.session import Broken

if TYPE_CHECKING:
    from cnbkit_engine.oci.session import Session
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.oci.types import Descriptor

__all__ = ["push_image"]

_ATTEMPTS = 3


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
        else:
            _push_blob(session, store, part)
    reference = tag or image.digest
    answer = session.request(
        "PUT", f"manifests/{reference}", body=data, headers={"Content-Type": image.media_type}
    )
    session.expect(answer, 201, f"takes no manifest {reference}")


def _push_blob(session: Session, store: ImageStore, blob: Descriptor) -> None:
    if session.request("HEAD", f"blobs/{blob.digest}").status == 200:
        return
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
