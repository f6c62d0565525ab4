"""A registry in this process, for real builds that are not to need a program made by Go.

It speaks the part of the OCI distribution specification that the lifecycle and cnbkit use, and
refuses what a registry has to: a blob that is not its digest, a manifest with a blob it has not.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

__all__ = ["PlainRegistry"]

_PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>blobs/uploads|blobs|manifests)/(?P<which>[^/]*)")


class PlainRegistry:
    """Runs until `close`.

    Attributes:
        host: with port.
        blobs: by repository and digest.
        manifests: media type and bytes, by repository and tag or digest.
    """

    def __init__(self) -> None:
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self._uploads: dict[str, bytes] = {}
        registry = self

        class Handler(_Handler):
            owner = registry

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()

    def upload(self, data: bytes, old: str = "") -> str:
        """Begin an upload, or go on with one."""
        key = old or uuid.uuid4().hex
        self._uploads[key] = self._uploads.get(key, b"") + data
        return key

    def finish(self, key: str, name: str, digest: str) -> bool:
        """Whether what was uploaded is what it is said to be."""
        data = self._uploads.pop(key)
        right = digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
        if right:
            self.blobs[name, digest] = data
        return right

    def missing(self, name: str, manifest: bytes) -> list[str]:
        """What a manifest names and the repository has not."""
        document = json.loads(manifest)
        blobs = [document.get("config"), *document.get("layers", ())]
        known = {*self.blobs, *self.manifests}
        parts = [each["digest"] for each in (*filter(None, blobs), *document.get("manifests", ()))]
        return [digest for digest in parts if (name, digest) not in known]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: PlainRegistry

    def do_GET(self) -> None:
        """A blob or a manifest."""
        name, kind, which = self._asked()
        if not kind:
            self._say(200, b"{}")
        elif kind == "manifests" and (name, which) in self.owner.manifests:
            media_type, data = self.owner.manifests[name, which]
            digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
            self._say(200, data, **{"Content-Type": media_type, "Docker-Content-Digest": digest})
        elif kind == "blobs" and (name, which) in self.owner.blobs:
            self._say(200, self.owner.blobs[name, which], **{"Docker-Content-Digest": which})
        else:
            self._say(404, b'{"errors": [{"code": "NAME_UNKNOWN", "message": "not here"}]}')

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def do_POST(self) -> None:
        """A blob begins, or is another repository's."""
        name, _, _ = self._asked()
        query = parse_qs(urlsplit(self.path).query)
        (digest,), (source,) = query.get("mount", [""]), query.get("from", [""])
        data = self._body()
        if (source, digest) in self.owner.blobs:
            self.owner.blobs[name, digest] = self.owner.blobs[source, digest]
            self._say(201, Location=f"/v2/{name}/blobs/{digest}")
            return
        self._say(202, Location=f"/v2/{name}/blobs/uploads/{self.owner.upload(data)}")

    def do_PATCH(self) -> None:
        """A piece of a blob."""
        name, _, key = self._asked()
        self.owner.upload(self._body(), key)
        self._say(202, Location=f"/v2/{name}/blobs/uploads/{key}")

    def do_PUT(self) -> None:
        """The end of a blob, or a manifest."""
        name, kind, which = self._asked()
        data = self._body()
        if kind == "blobs/uploads":
            (digest,) = parse_qs(urlsplit(self.path).query)["digest"]
            right = self.owner.finish(self.owner.upload(data, which), name, digest)
            self._say(201 if right else 400, Location=f"/v2/{name}/blobs/{digest}")
            return
        if missing := self.owner.missing(name, data):
            errors = [{"code": "MANIFEST_BLOB_UNKNOWN", "message": each} for each in missing]
            self._say(400, json.dumps({"errors": errors}).encode())
            return
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        for key in (which, digest):
            self.owner.manifests[name, key] = (self.headers["Content-Type"], data)
        self._say(201, Location=f"/v2/{name}/manifests/{digest}")

    def _asked(self) -> tuple[str, str, str]:
        match = _PATH.fullmatch(urlsplit(self.path).path)
        return (match["name"], match["kind"], match["which"]) if match else ("", "", "")

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _say(self, status: int, data: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""
