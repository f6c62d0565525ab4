"""Serves the image store to the lifecycle, by the OCI distribution API.

The lifecycle re-uses an old image's layers without touching them when the image is in a registry;
in an OCI layout it copies or hashes each (0.23 s against 0.74 s for an empty rebuild). So one is
run inside the build's own process, for the length of the build.

It is our own code because nothing kept serves here: no maintained Python library is a registry,
and go-containerregistry's keeps uploads and manifests in memory and would be another program to
start and to await. This one is listening as soon as it is made (the kernel queues connections),
writes straight into the store, and leaves nothing running.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import json
import os
import re
import socket
import threading
from binascii import b2a_base64
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from cnbkit.errors import CnbkitError, PlatformFault
from cnbkit_engine.oci import types
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.store import PIECE, DigestMismatch, StoreFull, UnknownBlob, UnknownImage
from cnbkit_engine.registry.http1 import BadRequest, Connection, Request, Unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from cnbkit_engine.oci.store import BlobWriter, ImageStore
    from cnbkit_engine.registry.grant import Grant

__all__ = ["HOST", "PORT", "Registry"]

HOST = "store.localhost"
"""The name builds know the registry by. go-containerregistry speaks plain HTTP to *.localhost."""

PORT = 5095
"""The same for every build: it is part of the image name, which must not change."""

_MANIFEST_LIMIT = 4 << 20  # what the distribution specification asks registries to accept
_PATIENCE = 5.0  # seconds
_DIGEST_HEADER = "Docker-Content-Digest"
_REPOSITORY = r"(?P<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
_REFERENCE = r"(?P<reference>[A-Za-z0-9_][A-Za-z0-9._:-]*)"


class Registry:
    """A registry on a loopback address of its own, in a thread of this process.

    Every registry takes another address 127.x.y.z, so that concurrent builds can all use one
    port and one host name; the sandbox maps the name to the address. Use in a `with` block.

    Nobody gets in before `admit` is called, or `admitted`; a header is for what it was made for.

    Args:
        store: what it serves.
        port: TCP port.
        show: told when an image that is asked for is damaged.

    Raises:
        PlatformFault: the port is taken on all addresses.
    """

    def __init__(
        self,
        store: ImageStore,
        port: int = PORT,
        *,
        show: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._store = store
        self._grants: dict[str, Grant] = {}
        self._listener, self.address = _listen(port)
        self.host = f"{HOST}:{port}"
        self.fault: CnbkitError | None = None
        self._show = show
        self._damaged: set[str] = set()
        self._uploads: dict[str, BlobWriter] = {}
        self._offers: dict[str, tuple[str, str, bytes]] = {}
        self._peers: dict[socket.socket, threading.Thread] = {}
        self._guard = threading.Lock()
        self._closing = False

    def admit(self, grant: Grant) -> str:
        """Let somebody in; returns the Authorization header to send, made anew each time.

        Loopback is shared with the machine's other users, and with what builds run.
        """
        secret = b"cnbkit:" + os.urandom(24).hex().encode()
        header = "Basic " + b2a_base64(secret, newline=False).decode()
        with self._guard:
            self._grants[header] = grant
        return header

    def dismiss(self, authorization: str) -> None:
        """Undo `admit`."""
        with self._guard:
            self._grants.pop(authorization, None)

    @contextmanager
    def admitted(self, grant: Grant) -> Iterator[str]:
        """Let somebody in for as long as the block lasts; yields the header."""
        header = self.admit(grant)
        try:
            yield header
        finally:
            self.dismiss(header)

    def offer(self, repository: str, kind: str, data: bytes) -> str:
        """Answer with a manifest that is not the store's; returns its digest.

        Its blobs need not all be here: whoever asks for it knows where the others are.

        Args:
            repository: has nothing else.
            kind: the manifest's media type.
            data: its bytes.
        """
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        with self._guard:
            self._offers[repository] = (digest, kind, data)
        return digest

    def withdraw(self, repository: str) -> None:
        """Undo `offer`."""
        with self._guard:
            self._offers.pop(repository, None)

    def __enter__(self) -> Registry:
        threading.Thread(target=self._accept, name="registry", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._guard:
            self._closing = True
            peers = dict(self._peers)
            uploads = list(self._uploads.values())
            self._uploads.clear()
        # shutdown, not close, wakes a thread that waits in accept or recv.
        for waiting in (self._listener, *peers):
            with suppress(OSError):  # the client was faster
                waiting.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for upload in uploads:
            upload.abort()
        for thread in peers.values():
            thread.join(_PATIENCE)  # until it has thrown away what it was receiving

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return  # closed: the build is over
            with self._guard:
                if self._closing:
                    peer.close()
                    return
                thread = threading.Thread(
                    target=self._serve, args=(peer,), name="registry-client", daemon=True
                )
                self._peers[peer] = thread
            thread.start()

    def _serve(self, peer: socket.socket) -> None:
        connection = Connection(peer)
        try:
            while connection.keep and (request := connection.next_request()):
                _Exchange(self, connection, request).run()
        except BadRequest as error:
            connection.keep = False
            with suppress(BadRequest, OSError, Unfinished):
                connection.answer(400, body=f"{error}\n".encode())
        except (OSError, Unfinished):
            pass  # the client went away; its upload was thrown away where it broke off
        finally:
            with self._guard:
                self._peers.pop(peer, None)
            connection.close()

    # For _Exchange

    @property
    def store(self) -> ImageStore:
        """What is served."""
        return self._store

    def offered(self, repository: str, digest: str) -> tuple[str, bytes] | None:
        """Media type and bytes of a manifest that is offered."""
        with self._guard:
            offer = self._offers.get(repository)
        return offer[1:] if offer and offer[0] == digest else None

    def say_damaged(self, name: str, digests: list[str]) -> None:
        """Say, once, that an image is damaged and therefore not used."""
        with self._guard:
            known = name in self._damaged
            self._damaged.add(name)
        if not known:
            blobs = f"{digests[0]} is" if len(digests) == 1 else f"{len(digests)} of its blobs are"
            self._show(f"The image {name} in the store is damaged ({blobs} missing or torn).")
            self._show("Nothing of it is used; what is needed is built anew.")

    def admits(self, authorization: str) -> Grant | None:
        """What a client may do by its Authorization header; None if that is not (any more) ours."""
        with self._guard:
            grants = list(self._grants.items())
        found = None
        for header, grant in grants:
            if hmac.compare_digest(authorization.encode(), header.encode()):
                found = grant
        return found

    def keep_upload(self, upload: BlobWriter) -> str:
        """Remember an upload between requests; returns its id."""
        name = os.urandom(16).hex()
        with self._guard:
            if self._closing:
                upload.abort()
            else:
                self._uploads[name] = upload
        return name

    def take_upload(self, name: str) -> BlobWriter | None:
        """Hand an upload to one request at a time: two would mix their bytes."""
        with self._guard:
            return self._uploads.pop(name, None)

    def return_upload(self, name: str, upload: BlobWriter) -> None:
        """Undo `take_upload`."""
        with self._guard:
            if self._closing:
                upload.abort()
            else:
                self._uploads[name] = upload


class _Exchange:
    """One request and its answer."""

    def __init__(self, registry: Registry, connection: Connection, request: Request) -> None:
        self._registry = registry
        self._store = registry.store
        self._connection = connection
        self._request = request
        path, _, query = request.target.partition("?")
        self._path = _unquote(path)
        pairs = (pair.partition("=") for pair in query.split("&"))
        self._query = {_unquote(name): _unquote(value) for name, _, value in pairs}

    def run(self) -> None:
        grant = self._registry.admits(self._request.headers.get("authorization", ""))
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
            self._registry.fault = self._registry.fault or fault
            self._refuse(507, "UNKNOWN", _text(fault))
        except CnbkitError as fault:
            self._registry.fault = self._registry.fault or fault
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

    def _blob(self, repository: str, digest: str) -> None:  # noqa: ARG002 - blobs are shared
        if self._request.method not in ("GET", "HEAD"):
            self._refuse(405, "UNSUPPORTED", "blobs go when nothing refers to them")
        elif not _is_digest(digest):
            self._refuse(400, "DIGEST_INVALID", digest)
        elif not self._store.has_blob(digest):
            self._refuse(404, "BLOB_UNKNOWN", digest)
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
            self._progress(repository, self._registry.keep_upload(upload), upload)

    def _upload(self, repository: str, upload: str) -> None:
        writer = self._registry.take_upload(upload)
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
                self._registry.return_upload(upload, writer)
                where = {"Range": f"0-{max(writer.size - 1, 0)}"}
                self._refuse(416, "BLOB_UPLOAD_INVALID", f"next is byte {writer.size}", where)
                return
            try:
                if method == "PATCH":
                    self._receive(writer)
            except BaseException:
                writer.abort()
                raise
            self._registry.return_upload(upload, writer)
            self._progress(repository, upload, writer)
        else:
            self._registry.return_upload(upload, writer)
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
        elif method in ("GET", "HEAD") and (offer := self._registry.offered(repository, reference)):
            self._answer(200, {"Content-Type": offer[0], _DIGEST_HEADER: reference}, offer[1])
        elif method in ("GET", "HEAD"):
            found = self._store.resolve(name)
            if damaged := self._store.damage(found):
                # Answered as if it were not there, so that it is built anew.
                self._registry.say_damaged(name, damaged)
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


def _listen(port: int) -> tuple[socket.socket, str]:
    for _ in range(20):
        x, y, z = os.urandom(3)
        # 127.0.0.* is where people start servers, and .0/.255 ends look like broadcasts.
        address = f"127.{x % 254 + 1}.{y}.{z % 254 + 1}"
        listener = socket.socket()
        try:
            listener.bind((address, port))
            listener.listen(64)
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE:
                raise PlatformFault(
                    "the build's registry cannot listen",
                    where=f"{address}:{port}",
                    remedy="allow listening on the loopback network 127.0.0.0/8",
                    detail=str(error),
                ) from error
        else:
            return listener, address
    raise PlatformFault(
        "another program listens on this port of every address",
        where=f"0.0.0.0:{port}",
        remedy=f"find it by `ss -ltnp 'sport = :{port}'` and stop it during builds",
    )


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
