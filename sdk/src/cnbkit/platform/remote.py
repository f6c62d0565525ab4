"""Images to and from registries, by the OCI distribution API.

What is pushed appears at once: blobs first, then the manifests they belong to, and the name last.
An interrupted push leaves blobs nobody refers to, which registries remove.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin

from cnbkit.errors import PlatformFault, UserFault
from cnbkit.platform import oci
from cnbkit.platform.credentials import authorization
from cnbkit.platform.oci import Descriptor
from cnbkit.platform.refusal import out_of_reach, refused
from cnbkit.platform.store import PIECE, ImageStore, UnknownImage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from urllib3 import BaseHTTPResponse, PoolManager

__all__ = ["Remote"]

_ACCEPT = ", ".join(sorted(oci.MANIFEST_TYPES | oci.INDEX_TYPES))
_LOCAL = re.compile(r"(localhost|[a-z0-9-]+\.localhost|127\.[0-9.]+|\[::1\])(:\d+)?")
_ATTEMPTS = 3


class Remote:
    """One repository of a registry.

    Args:
        name: `host/repository[:tag|@digest]`; without a host it is Docker Hub's.
        insecure: hosts to speak plain HTTP to, besides this machine.

    Raises:
        UserFault: it is no image name.
    """

    def __init__(self, name: str, *, insecure: Sequence[str] = ()) -> None:
        repository, self.reference = oci.split_name(name)
        self.name = name
        self.host, self.repository = host, path = oci.split_host(repository)
        plain = host in insecure or bool(_LOCAL.fullmatch(host))
        server = "registry-1.docker.io" if host == "docker.io" else host
        self._base = f"{'http' if plain else 'https'}://{server}/v2/{path}/"
        self._authorization = ""
        self._opened: PoolManager | None = None

    def push(self, layout: Path, image: Descriptor) -> str:
        """Push an image or index of a layout under this name; returns its digest.

        Raises:
            PlatformFault: the registry cannot be reached, refuses, or answers nonsense; the name
                stands for what it stood for before.
        """
        store = ImageStore(layout)
        self._push_tree(store, image, top=True)
        return image.digest

    def pull(self, layout: Path, arch: str) -> None:
        """Bring the image to a new OCI layout; of several platforms' only one.

        Raises:
            UserFault: there is no such image, or not for this architecture.
            PlatformFault: the registry cannot be reached, refuses, or answers nonsense.
        """
        from cnbkit.platform.store import write_index, write_layout_file

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
        for blob in oci.references(kind, json.loads(data)):
            if not store.has_blob(blob.digest):
                self._fetch(store, blob)
        return kind, data

    def _chosen(self, arch: str) -> tuple[str, bytes]:
        """Media type and bytes of one platform's manifest."""
        reference = self.reference
        while True:
            kind, data = self._manifest(reference)
            if kind not in oci.INDEX_TYPES:
                return kind, data
            reference = self._platform(json.loads(data), arch)

    def digest(self) -> str:
        """The digest the name stands for now.

        Raises:
            UserFault: there is no such image.
            PlatformFault: as `pull`.
        """
        from hashlib import sha256

        return f"sha256:{sha256(self._manifest(self.reference)[1]).hexdigest()}"

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
        blob = json.loads(data).get("config") or {}
        wanted = oci.check_digest(str(blob.get("digest")))
        answer = self._request("GET", f"blobs/{wanted}")
        self._expect(answer, 200, "does not give the config")
        if f"sha256:{sha256(answer.data).hexdigest()}" != wanted:
            raise self._nonsense("the config has another digest than it was asked by")
        try:
            found = json.loads(answer.data)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self._nonsense(f"the config of a {kind} is no JSON object")
        return found

    def layers(self, arch: str) -> list[Descriptor]:
        """The layers of the image, of several platforms' of one; none is fetched.

        Raises:
            UserFault: there is no such image, or not for this architecture.
            PlatformFault: as `pull`.
        """
        kind, data = self._chosen(arch)
        return oci.references(kind, json.loads(data))[1:]  # the config comes first

    # Pushing

    def _push_tree(self, store: ImageStore, image: Descriptor, *, top: bool) -> None:
        data = store.read_blob(image.digest)
        document = json.loads(data)
        for part in oci.references(image.media_type, document):
            if part.media_type in oci.MANIFEST_TYPES | oci.INDEX_TYPES:
                self._push_tree(store, part, top=False)
            else:
                self._push_blob(store, part)
        reference = self.reference if top and ":" not in self.reference else image.digest
        answer = self._request(
            "PUT", f"manifests/{reference}", body=data, headers={"Content-Type": image.media_type}
        )
        self._expect(answer, 201, f"takes no manifest {reference}")

    def _push_blob(self, store: ImageStore, blob: Descriptor) -> None:
        if self._request("HEAD", f"blobs/{blob.digest}").status == 200:
            return
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                opened = self._request("POST", "blobs/uploads/")
                self._expect(opened, 202, "takes no upload")
                place = urljoin(self._base, opened.url or "")
                place = urljoin(place, opened.headers.get("Location", ""))
                place += ("&" if "?" in place else "?") + urlencode({"digest": blob.digest})
                with store.blob_path(blob.digest).open("rb") as file:
                    headers = {
                        "Content-Length": str(blob.size),
                        "Content-Type": "application/octet-stream",
                    }
                    answer = self._send("PUT", place, file, headers)
                if answer.status == 401 and attempt < _ATTEMPTS:
                    # A token lives for minutes, and the last layer may have taken longer.
                    self._authorization = self._authorize(_challenge(answer))
                    continue
                if answer.status in (401, 403):
                    raise refused(self.name, self.host, answer.status, _said(answer))
                if answer.status < 500 or attempt == _ATTEMPTS:
                    self._expect(answer, 201, f"does not take {blob.digest}")
                    return
            except _Broken as broken:
                if attempt == _ATTEMPTS:
                    raise self._unreachable(broken) from None

    # Pulling

    def _manifest(self, reference: str) -> tuple[str, bytes]:
        answer = self._request("GET", f"manifests/{reference}", headers={"Accept": _ACCEPT})
        if answer.status == 404:
            raise UnknownImage(
                f"there is no image {self.name!r}",
                where=self.host,
                remedy="correct the name; with a private registry, log in with `docker login`",
            )
        self._expect(answer, 200, "does not give the manifest")
        from hashlib import sha256

        if ":" in reference and f"sha256:{sha256(answer.data).hexdigest()}" != reference:
            raise self._nonsense("the manifest has another digest than it was asked by")
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        try:
            kind = str(json.loads(answer.data).get("mediaType") or kind)
        except (AttributeError, ValueError):
            raise self._nonsense("the manifest is not JSON") from None
        if kind not in oci.MANIFEST_TYPES | oci.INDEX_TYPES:
            raise self._nonsense(f"{kind or 'nothing'} is no media type of a manifest")
        return kind, answer.data

    def _platform(self, index: Mapping[str, Any], arch: str) -> str:
        offered = []
        for item in index.get("manifests") or ():
            platform = item.get("platform") or {}
            if (platform.get("os"), platform.get("architecture")) == ("linux", arch):
                return oci.check_digest(item["digest"])
            offered.append(f"{platform.get('os')}/{platform.get('architecture')}")
        raise UserFault(
            f"{self.name!r} has no image for linux/{arch}",
            where=self.host,
            remedy="it is for " + (", ".join(offered) or "nothing"),
        )

    def _fetch(self, store: ImageStore, blob: Descriptor) -> None:
        answer = self._request("GET", f"blobs/{blob.digest}", stream=True)
        try:
            self._expect(answer, 200, f"does not give {blob.digest}")
            with store.open_blob() as writer:
                while piece := answer.read(PIECE):
                    writer.write(piece)
                writer.commit(blob.digest)
        except _broken() as error:
            raise self._unreachable(_Broken(str(error))) from None
        finally:
            answer.release_conn()

    # Talking

    def _request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> BaseHTTPResponse:
        url = urljoin(self._base, path)
        try:
            answer = self._send(method, url, body, headers or {}, stream=stream)
            if answer.status == 401:
                self._authorization = self._authorize(_challenge(answer))
                if self._authorization:
                    answer = self._send(method, url, body, headers or {}, stream=stream)
        except _Broken as broken:
            raise self._unreachable(broken) from None
        if answer.status in (401, 403):
            raise refused(self.name, self.host, answer.status, _said(answer))
        return answer

    def _send(
        self,
        method: str,
        url: str,
        body: Any,
        headers: Mapping[str, str],
        *,
        stream: bool = False,
    ) -> BaseHTTPResponse:
        import urllib3

        sent = {"User-Agent": "cnbkit", **headers}
        # Uploads may go to another host, which must not see what is for this one.
        if self._authorization and url.startswith(self._base.partition("/v2/")[0] + "/"):
            sent["Authorization"] = self._authorization
        # A registry that redirects a download sends it to a store with a signature in the address.
        retries = urllib3.Retry(
            connect=2,
            read=False,
            redirect=5,
            other=0,
            raise_on_status=False,
            remove_headers_on_redirect=["Authorization"],
        )
        try:
            return self._pool().request(
                method,
                url,
                body=body,
                headers=sent,
                retries=retries,
                timeout=urllib3.Timeout(connect=15, read=300),
                preload_content=not stream,
            )
        except _broken() as error:
            reason = getattr(error, "reason", None) or error
            raise _Broken(str(reason)) from None

    def _pool(self) -> PoolManager:
        if self._opened is None:
            from urllib.request import getproxies, proxy_bypass

            import urllib3

            scheme, _, rest = self._base.partition("://")
            host = rest.partition("/")[0]
            proxy = getproxies().get(scheme)
            if proxy and not proxy_bypass(host) and not _LOCAL.fullmatch(host):
                url = proxy if "://" in proxy else f"http://{proxy}"
                self._opened = urllib3.ProxyManager(url)
            else:
                self._opened = urllib3.PoolManager()
        return self._opened

    def _authorize(self, challenge: str) -> str:
        """The Authorization header that answers a challenge (distribution's token scheme)."""
        own = authorization(self.host) or ""
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() != "bearer":
            return own
        told = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        asked = {"service": told.get("service", ""), "scope": told.get("scope", "")}
        query = urlencode({key: value for key, value in asked.items() if value})
        realm = told.get("realm", "")
        if not realm.startswith(("https://", "http://")):
            raise self._nonsense("it names no place to get a token from")
        self._authorization = ""
        answer = self._send(
            "GET",
            f"{realm}{'&' if '?' in realm else '?'}{query}",
            None,
            {"Authorization": own} if own else {},
        )
        if answer.status != 200:
            return ""
        try:
            document = json.loads(answer.data)
            return f"Bearer {document.get('token') or document['access_token']}"
        except (AttributeError, KeyError, ValueError):
            raise self._nonsense("it gives no token") from None

    # Faults

    def _expect(self, answer: BaseHTTPResponse, status: int, what: str) -> None:
        if answer.status != status:
            raise PlatformFault(
                f"the registry {what}: HTTP status {answer.status}",
                where=self.name,
                remedy="try again; if it stays so, see what the registry's log says",
                detail=_said(answer),
            )

    def _nonsense(self, detail: str) -> PlatformFault:
        return PlatformFault(
            "this is no registry, or a broken one",
            where=self._base,
            remedy="correct the name",
            detail=detail,
        )

    def _unreachable(self, error: _Broken) -> PlatformFault:
        return out_of_reach(self.name, self.host, str(error))


class _Broken(Exception):
    """A connection that could not be made or ended early."""


def _broken() -> tuple[type[Exception], ...]:
    import urllib3

    return (urllib3.exceptions.HTTPError, OSError)


def _challenge(answer: BaseHTTPResponse) -> str:
    answer.release_conn()
    return answer.headers.get("WWW-Authenticate", "")


def _said(answer: BaseHTTPResponse) -> str:
    try:
        return answer.data.decode(errors="replace")[:500].strip()
    except _broken():
        return ""
