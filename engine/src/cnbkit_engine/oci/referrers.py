"""Documents attached to an image in a registry (distribution-spec 1.1, "Referrers").

Each is a manifest of its own with the image as its `subject`. A registry that knows of subjects
lists them itself and says so when it takes one; for others a list is kept under a tag made of the
image's digest ("Referrers Tag Schema"), which every client looks for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin

from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.session import Broken, Session
from cnbkit_engine.oci.types import OCI_INDEX, OCI_MANIFEST, Descriptor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["EMPTY", "Attached", "Document", "Referrers"]

EMPTY = "application/vnd.oci.empty.v1+json"
_NOTHING = b"{}"
_SMALL = 32 << 20  # a document that is read into memory


@dataclass(frozen=True)
class Document:
    """One file of what is attached.

    Args:
        media_type: of it.
        data: its bytes.
        annotations: what is said of it; its name is `org.opencontainers.image.title`.
    """

    media_type: str
    data: bytes
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Attached:
    """Something that is attached to an image.

    Args:
        artifact_type: what it is.
        digest: of its manifest.
        size: of that manifest.
        annotations: what is said of it.
    """

    artifact_type: str
    digest: str
    size: int
    annotations: Mapping[str, str]


class Referrers:
    """Of the images of one repository.

    Args:
        name: an image of it.
        insecure: hosts to speak plain HTTP to, besides this machine.
    """

    def __init__(self, name: str, *, insecure: Sequence[str] = ()) -> None:
        self._session = Session(Reference.parse(name), name, insecure=insecure)

    def attach(
        self,
        subject: Descriptor,
        artifact_type: str,
        documents: Sequence[Document],
        annotations: Mapping[str, str],
    ) -> str:
        """Attach documents to an image; returns the digest of what holds them.

        Args:
            subject: the image's manifest.
            artifact_type: what the documents are.
            documents: one or more.
            annotations: what is said of them.

        Raises:
            PlatformFault: the registry cannot be reached, or refuses.
        """
        config = self._blob(Document(EMPTY, _NOTHING))
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": artifact_type,
            "config": config,
            "layers": [self._blob(each) for each in documents],
            "subject": _plain(subject),
            "annotations": dict(annotations),
        }
        data = json.dumps(manifest).encode()
        digest = f"sha256:{sha256(data).hexdigest()}"
        answer = self._session.request(
            "PUT", f"manifests/{digest}", body=data, headers={"Content-Type": OCI_MANIFEST}
        )
        self._session.expect(answer, 201, "takes no attestation")
        if answer.headers.get("OCI-Subject") != subject.digest:
            self._list_under_tag(
                subject.digest,
                {
                    **_plain(Descriptor(OCI_MANIFEST, digest, len(data))),
                    "artifactType": artifact_type,
                    "annotations": dict(annotations),
                },
            )
        return digest

    def of(self, digest: str) -> list[Attached]:
        """All that is attached to an image.

        Raises:
            PlatformFault: the registry cannot be reached, refuses, or answers nonsense.
        """
        answer = self._session.request("GET", f"referrers/{digest}")
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        if answer.status == 200 and kind == OCI_INDEX:
            index = self._index(answer.data)
        else:
            index = self._tagged(digest)
        try:
            return [
                Attached(
                    str(each.get("artifactType") or each["mediaType"]),
                    Descriptor.parse(each).digest,
                    Descriptor.parse(each).size,
                    {str(key): str(text) for key, text in (each.get("annotations") or {}).items()},
                )
                for each in index["manifests"]
            ]
        except (AttributeError, KeyError, TypeError) as error:
            raise self._session.nonsense(f"its list of attestations is none: {error}") from None

    def opened(self, attached: Attached) -> tuple[Attached, list[Document]]:
        """The files of something that is attached, and what it says itself of what it is.

        Registries list that as they like: some give the type of its config, or no annotations.

        Raises:
            PlatformFault: the registry cannot be reached, refuses, or answers nonsense.
        """
        data = self._checked(f"manifests/{attached.digest}", attached.digest)
        manifest = self._index(data, "layers")
        found = []
        for each in manifest["layers"]:
            blob = Descriptor.parse(each)
            if blob.size > _SMALL:
                raise self._session.nonsense(f"a document has {blob.size} bytes")
            content = self._checked(f"blobs/{blob.digest}", blob.digest)
            found.append(Document(blob.media_type, content, dict(each.get("annotations") or {})))
        own = replace(
            attached,
            artifact_type=str(manifest.get("artifactType") or attached.artifact_type),
            annotations={**attached.annotations, **dict(manifest.get("annotations") or {})},
        )
        return own, found

    def _checked(self, path: str, digest: str) -> bytes:
        answer = self._session.request("GET", path, headers={"Accept": OCI_MANIFEST})
        self._session.expect(answer, 200, f"does not give {digest}")
        if f"sha256:{sha256(answer.data).hexdigest()}" != digest:
            raise self._session.nonsense(f"{digest} has another digest than it was asked by")
        return answer.data

    def _tagged(self, digest: str) -> dict[str, Any]:
        answer = self._session.request(
            "GET", f"manifests/{_tag(digest)}", headers={"Accept": OCI_INDEX}
        )
        if answer.status == 404:
            return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
        self._session.expect(answer, 200, "does not give the list of attestations")
        return self._index(answer.data)

    def _list_under_tag(self, digest: str, entry: dict[str, Any]) -> None:
        index = self._tagged(digest)
        there = [each for each in index["manifests"] if each.get("digest") != entry["digest"]]
        data = json.dumps({**index, "manifests": [*there, entry]}).encode()
        answer = self._session.request(
            "PUT", f"manifests/{_tag(digest)}", body=data, headers={"Content-Type": OCI_INDEX}
        )
        self._session.expect(answer, 201, "takes no list of attestations")

    def _index(self, data: bytes, key: str = "manifests") -> dict[str, Any]:
        try:
            found = json.loads(data)
        except ValueError:
            found = None
        if not isinstance(found, dict) or not isinstance(found.get(key), list):
            raise self._session.nonsense(f"what should list {key} is no such list")
        return found

    def _blob(self, document: Document) -> dict[str, Any]:
        digest = f"sha256:{sha256(document.data).hexdigest()}"
        session = self._session
        if session.request("HEAD", f"blobs/{digest}").status != 200:
            try:
                opened, answered = session.send(
                    "POST", urljoin(session.base, "blobs/uploads/"), None, {}
                )
                session.expect(opened, 202, "takes no upload")
                place = session.upload_address(answered, opened.headers.get("Location", ""))
                place += ("&" if "?" in place else "?") + urlencode({"digest": digest})
                headers = {"Content-Type": "application/octet-stream"}
                answer, _ = session.send("PUT", place, document.data, headers)
            except Broken as error:
                raise session.unreachable(error) from None
            session.expect(answer, 201, f"does not take {digest}")
        said = {"annotations": dict(document.annotations)} if document.annotations else {}
        return {**_plain(Descriptor(document.media_type, digest, len(document.data))), **said}


def _plain(descriptor: Descriptor) -> dict[str, Any]:
    return {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    }


def _tag(digest: str) -> str:
    return digest.replace(":", "-")
