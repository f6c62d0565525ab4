"""One request of the OCI distribution API, and its answer."""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import TYPE_CHECKING

from cnbkit.errors import CnbkitError
from cnbkit_engine.oci import types
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.store import PIECE, DigestMismatch, StoreFull, UnknownBlob, UnknownImage

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnbkit_engine.oci.store import BlobWriter
    from cnbkit_engine.registry.grant import Grant
    from cnbkit_engine.registry.http1 import Connection, Request
    from cnbkit_engine.registry.served import Served

__all__ = ["Exchange"]

_MANIFEST_LIMIT = 4 << 20  # what the distribution specification asks registries to accept
_DIGEST_HEADER = "Docker-Content-Digest"
_REPOSITORY = r"(?P<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
_REFERENCE = r"(?P<reference>[A-Za-z0-9_][A-Za-z0-9._:-]*)"


class Exchange:
    """One request and its answer.

    Args:
        served: what the registry serves.
        connection: the client's.
        request: its head; the body is still to be read.
    """

    def __init__(self, served: Served, connection: Connection, request: Request) -> None:
        self._served = served
        self._store = served.store
        self._connection = connection
        self._request = request
        path, _, query = request.target.partition("?")
        self._path = _unquote(path)
        pairs = (pair.partition("=") for pair in query.split("&"))
        self._query = {_unquote(name): _unquote(value) for name, _, value in pairs}

    def run(self) -> None:
        """Answer it."""
        grant = self._served.admits(self._request.headers.get("authorization", ""))
        if grant is None:
            challenge = {"WWW-Authenticate": 'Basic realm="cnbkit"'}
            self._refuse(401, "UNAUTHORIZED", "this registry belongs to a running build", challenge)
            return
        try:
            self._dispatch(grant)
        except DigestMismatch as fault:
            self._refuse(400, "DIGEST_INVALID", _text(fault))
        except UnknownBlob as fault:
            code = "MANIFEST_BLOB_UNKNOWN" if self._request.method == "PUT" else "BLOB_UNKNOWN"
            self._refuse(404, code, _text(fault))
        except UnknownImage as fault:
            self._refuse(404, "MANIFEST_UNKNOWN", _text(fault))
        except StoreFull as fault:
            # Clients repeat a request answered by 500 (go-containerregistry: three times), and
            # would send the layer again to the same full disk. 507 says so and is final.
            self._served.fault = self._served.fault or fault
            self._refuse(507, "UNKNOWN", _text(fault))
        except CnbkitError as fault:
            self._served.fault = self._served.fault or fault
            self._refuse(500, "UNKNOWN", _text(fault))

    def _dispatch(self, grant: Grant) -> None:
        if self._path in ("/v2", "/v2/"):
            self._answer(200, {"Docker-Distribution-Api-Version": "registry/2.0"}, b"{}")
            return
        routes: tuple[tuple[str, Callable[..., None]], ...] = (
            (rf"/v2/{_REPOSITORY}/blobs/uploads/?", self._uploads),
            (rf"/v2/{_REPOSITORY}/blobs/uploads/(?P<upload>[0-9a-f]+)", self._upload),
            (rf"/v2/{_REPOSITORY}/blobs/(?P<digest>[a-z0-9]+:[0-9a-f]+)", self._blob),
            (rf"/v2/{_REPOSITORY}/manifests/{_REFERENCE}", self._manifest),
            (rf"/v2/{_REPOSITORY}/tags/list", self._tags),
        )
        for pattern, handler in routes:
            if match := re.fullmatch(pattern, self._path):
                writing = self._request.method not in ("GET", "HEAD")
                if not grant.allows(match["repository"], writing=writing):
                    self._refuse(403, "DENIED", f"{match['repository']} is not this phase's")
                elif not grant.allows(self._query.get("from", match["repository"]), writing=False):
                    self._refuse(403, "DENIED", "nothing is mounted from there in this phase")
                else:
                    handler(**match.groupdict())
                return
        self._refuse(404, "NAME_UNKNOWN", f"nothing at {self._path[:300]}")

    def _blob(self, repository: str, digest: str) -> None:
        if self._request.method not in ("GET", "HEAD"):
            self._refuse(405, "UNSUPPORTED", "blobs go when nothing refers to them")
        elif not _is_digest(digest):
            self._refuse(400, "DIGEST_INVALID", digest)
        elif not self._store.has_blob(digest):
            size = self._served.elsewhere(repository, digest)
            if size is None or self._request.method != "HEAD":
                self._refuse(404, "BLOB_UNKNOWN", digest)
            else:
                self._connection.answer(200, {_DIGEST_HEADER: digest}, length=size)
        else:
            self._send_blob(digest)

    def _send_blob(self, digest: str) -> None:
        with self._store.blob_path(digest).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            headers = {
                "Content-Type": "application/octet-stream",
                _DIGEST_HEADER: digest,
                "Accept-Ranges": "bytes",
            }
            wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self._request.headers.get("range", ""))
            if not wanted or wanted[0] == "bytes=-":
                self._connection.answer(200, headers, file=file, length=size)
                return
            first, last = _range(wanted[1], wanted[2], size)
            if first > last:
                self._answer(416, {"Content-Range": f"bytes */{size}"})
                return
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
            self._connection.answer(206, headers, file=file, offset=first, length=last - first + 1)

    def _uploads(self, repository: str) -> None:
        if self._request.method != "POST":
            self._refuse(405, "UNSUPPORTED", "POST starts an upload")
            return
        mounted = self._query.get("mount", "")
        # All repositories share one set of blobs, so a mount only has to find it.
        if _is_digest(mounted) and self._store.has_blob(mounted):
            self._created(repository, "blobs", mounted)
            return
        upload = self._store.open_blob()
        if "digest" in self._query:
            with upload:
                self._receive(upload)
                self._finish(upload, repository)
        else:
            self._progress(repository, self._served.keep_upload(upload), upload)

    def _upload(self, repository: str, upload: str) -> None:
        writer = self._served.take_upload(upload)
        if writer is None:
            self._refuse(404, "BLOB_UPLOAD_UNKNOWN", "no such upload, or it has been broken off")
            return
        method = self._request.method
        if method == "PUT":
            with writer:
                self._receive(writer)
                self._finish(writer, repository)
        elif method == "DELETE":
            writer.abort()
            self._answer(204)
        elif method in ("GET", "PATCH"):
            start = self._request.headers.get("content-range", "").partition("-")[0]
            if method == "PATCH" and start and start != str(writer.size):
                self._served.return_upload(upload, writer)
                where = {"Range": f"0-{max(writer.size - 1, 0)}"}
                self._refuse(416, "BLOB_UPLOAD_INVALID", f"next is byte {writer.size}", where)
                return
            try:
                if method == "PATCH":
                    self._receive(writer)
            except BaseException:
                writer.abort()
                raise
            self._served.return_upload(upload, writer)
            self._progress(repository, upload, writer)
        else:
            self._served.return_upload(upload, writer)
            self._refuse(405, "UNSUPPORTED", method)

    def _receive(self, upload: BlobWriter) -> None:
        for piece in self._connection.body(PIECE):
            upload.write(piece)

    def _finish(self, upload: BlobWriter, repository: str) -> None:
        digest = self._query.get("digest", "")
        if not _is_digest(digest):
            upload.abort()
            self._refuse(400, "DIGEST_INVALID", f"not a sha256 digest: {digest[:100]!r}")
            return
        self._created(repository, "blobs", upload.commit(digest))

    def _progress(self, repository: str, name: str, upload: BlobWriter) -> None:
        headers = {
            "Location": f"/v2/{repository}/blobs/uploads/{name}",
            "Docker-Upload-Uuid": name,
            "Range": f"0-{max(upload.size - 1, 0)}",
        }
        self._answer(204 if self._request.method == "GET" else 202, headers)

    def _manifest(self, repository: str, reference: str) -> None:
        name = f"{Reference.unserved(repository)}{'@' if ':' in reference else ':'}{reference}"
        method = self._request.method
        if ":" in reference and not _is_digest(reference):
            self._refuse(400, "DIGEST_INVALID", reference)
        elif method in ("GET", "HEAD") and (offer := self._served.offered(repository, reference)):
            self._answer(200, {"Content-Type": offer[0], _DIGEST_HEADER: reference}, offer[1])
        elif method in ("GET", "HEAD"):
            found = self._store.resolve(name)
            if damaged := self._store.damage(found):
                # Answered as if it were not there, so that it is built anew.
                self._served.say_damaged(name, damaged)
                raise UnknownImage(f"the image {name} is damaged")
            headers = {"Content-Type": found.media_type, _DIGEST_HEADER: found.digest}
            self._answer(200, headers, self._store.read_blob(found.digest))
        elif method == "PUT":
            data = bytearray()
            for piece in self._connection.body(PIECE):
                data += piece
                if len(data) > _MANIFEST_LIMIT:
                    self._refuse(413, "MANIFEST_INVALID", "larger than 4 MiB")
                    return
            kind = self._request.headers.get("content-type", "")
            if kind not in types.MANIFEST_TYPES | types.INDEX_TYPES:
                self._refuse(400, "MANIFEST_INVALID", f"unknown media type {kind[:100]!r}")
                return
            if self._served.leave(repository, bytes(data)):
                digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
            else:
                digest = self._store.put_manifest(name, kind, bytes(data))
            self._created(repository, "manifests", digest)
        elif method == "DELETE":
            self._store.remove(name)
            self._answer(202)
        else:
            self._refuse(405, "UNSUPPORTED", method)

    def _tags(self, repository: str) -> None:
        prefix = f"{Reference.unserved(repository)}:"
        names = self._store.names()
        tags = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        tags = [tag for tag in tags if "/" not in tag and tag > self._query.get("last", "")]
        if not tags and "last" not in self._query:
            self._refuse(404, "NAME_UNKNOWN", repository)
            return
        headers = {"Content-Type": "application/json"}
        count = self._query.get("n", "")
        if count.isdigit() and int(count) < len(tags):
            tags = tags[: int(count)]
            last = tags[-1] if tags else ""
            headers["Link"] = f'</v2/{repository}/tags/list?n={count}&last={last}>; rel="next"'
        self._answer(200, headers, json.dumps({"name": repository, "tags": tags}).encode())

    def _created(self, repository: str, kind: str, digest: str) -> None:
        location = f"/v2/{repository}/{kind}/{digest}"
        self._answer(201, {"Location": location, _DIGEST_HEADER: digest})

    def _answer(
        self, status: int, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> None:
        self._connection.answer(status, headers, body)

    def _refuse(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        """Answer as the distribution specification's "Error Codes" says."""
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self._answer(status, {"Content-Type": "application/json", **(headers or {})}, body)


def _unquote(text: str) -> str:
    # urllib.parse would do it, and takes 5 ms to import.
    return re.sub("%([0-9a-fA-F]{2})", lambda match: chr(int(match[1], 16)), text)


def _is_digest(text: str) -> bool:
    return re.fullmatch(r"sha256:[0-9a-f]{64}", text) is not None


def _range(first: str, last: str, size: int) -> tuple[int, int]:
    """First and last byte of a Range header; first > last when there is no such byte."""
    if not first:
        return max(size - int(last), 0), size - 1
    return int(first), min(int(last) if last else size - 1, size - 1)


def _text(fault: CnbkitError) -> str:
    return f"{fault.what} ({fault.where})" if fault.where else fault.what
