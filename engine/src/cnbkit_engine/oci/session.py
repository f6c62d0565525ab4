"""Requests to one repository of a registry: who gets a login, redirects, proxies, faults."""

from __future__ import annotations

import io
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from cnbkit.errors import PlatformFault
from cnbkit.flow import pieces
from cnbkit_engine.oci.docker_config import find_login
from cnbkit_engine.oci.errors import out_of_reach, refused
from cnbkit_engine.oci.proxies import proxy_for
from cnbkit_engine.oci.reference import HUB, Reference
from cnbkit_engine.oci.token_service import Challenge, TokenService, is_private

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from urllib3 import BaseHTTPResponse, PoolManager

__all__ = ["Broken", "Nonsense", "Session", "broken", "said"]

_LOCAL = re.compile(r"(localhost|[a-z0-9-]+\.localhost|127\.[0-9.]+|\[::1\])(:\d+)?")
_REDIRECTS = 10
_LARGEST = 64 << 20  # bytes of a manifest or config; go-containerregistry takes 100 MB
_PORTS = {"http": 80, "https": 443}


class Broken(Exception):
    """A connection that could not be made or ended early."""


class Nonsense(PlatformFault):
    """A registry, or an image in it, that is not what the specification says."""


class Session:
    """Talks to the registry of one image.

    Args:
        reference: the image.
        name: as the person wrote it, for errors.
        insecure: hosts to speak plain HTTP to, besides this machine.
    """

    def __init__(self, reference: Reference, name: str, *, insecure: Sequence[str] = ()) -> None:
        self.name = name
        self.host = reference.domain
        self._path = reference.path
        plain = self.host in insecure or bool(_LOCAL.fullmatch(self.host))
        server = "registry-1.docker.io" if self.host == HUB else self.host
        self.base = f"{'http' if plain else 'https'}://{server}/v2/{reference.path}/"
        self._origin = _origin(self.base)
        self._tokens = TokenService(name, server, plain=plain, send=self._ask_token_service)
        self._authorization = ""
        self._pools: dict[str | None, PoolManager] = {}

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> BaseHTTPResponse:
        """Send a request below the repository's address; logs in where that is asked for.

        Raises:
            PlatformFault: the registry is out of reach, or refuses.
        """
        try:
            return self.send(method, urljoin(self.base, path), body, headers or {}, stream=stream)[
                0
            ]
        except Broken as error:
            raise self.unreachable(error) from None

    def send(
        self,
        method: str,
        url: str,
        body: Any,
        headers: Mapping[str, str],
        *,
        stream: bool = False,
    ) -> tuple[BaseHTTPResponse, str]:
        """Send a request to any address; the registry alone sees a login.

        Returns:
            the answer, and the address that gave it.

        Raises:
            Broken: there is no answer.
            PlatformFault: it is refused.
        """
        answer, final = self._follow(method, url, body, headers, stream=stream)
        if answer.status == 401 and _origin(final) == self._origin:
            answer.release_conn()
            # A token lives for minutes, and is for what was asked: another may be needed.
            self._authorization = self._authorize(answer.headers.get("WWW-Authenticate", ""))
            if self._authorization:
                if hasattr(body, "seek"):
                    body.seek(0)
                answer, final = self._follow(method, url, body, headers, stream=stream)
        if answer.status in (401, 403):
            host = urlsplit(final).netloc
            if _origin(final) == self._origin:
                raise refused(self.name, self.host, answer.status, said(answer))
            raise PlatformFault(
                f"the registry sends data by {host}, which refuses: HTTP status {answer.status}",
                where=self.name,
                remedy="try again; if it stays so, tell who runs the registry",
                detail=said(answer),
            )
        return answer, final

    def upload_address(self, answered: str, location: str) -> str:
        """Where the registry wants an upload.

        Raises:
            PlatformFault: on another host, which is given by an address of a private network.
        """
        place = urljoin(answered, location)
        host = urlsplit(place).hostname or ""
        if host != urlsplit(self.base).hostname and is_private(host):
            raise self.nonsense(
                f"it wants data sent to {host}, an address of this machine or its network"
            )
        if not place.startswith(("https://", "http://")):
            raise self.nonsense(f"it wants data sent to {place[:200]!r}")
        return place

    def _authorize(self, header: str) -> str:
        """The Authorization header that answers a challenge; empty if there is no login."""
        challenge = Challenge.read(header)
        login = find_login(self.host, self._path)
        if login and login.registry_token:
            return f"Bearer {login.registry_token}"
        if challenge and challenge.scheme == "bearer":
            return f"Bearer {self._tokens.token(challenge, login)}"
        return login.basic if login else ""

    def _ask_token_service(
        self,
        method: str,
        url: str,
        body: str | None,
        headers: dict[str, str],
        check: Callable[[str], None],
    ) -> BaseHTTPResponse:
        own = headers.pop("Authorization", "")
        try:
            return self._follow(
                method, url, body, headers, authorization=own, origin=_origin(url), check=check
            )[0]
        except Broken as error:
            raise out_of_reach(self.name, urlsplit(url).netloc, str(error)) from None

    def _follow(
        self,
        method: str,
        url: str,
        body: Any,
        headers: Mapping[str, str],
        *,
        stream: bool = False,
        authorization: str | None = None,
        origin: tuple[str, str, int] | None = None,
        check: Callable[[str], None] | None = None,
    ) -> tuple[BaseHTTPResponse, str]:
        """Send, and follow redirects; only the origin the login is for sees it."""
        login = self._authorization if authorization is None else authorization
        entitled = origin or self._origin
        for _ in range(_REDIRECTS + 1):
            sent = {"User-Agent": "cnbkit", **headers}
            if login and _origin(url) == entitled:
                sent["Authorization"] = login
            answer = self._once(method, url, body, sent, stream=stream)
            location = answer.headers.get("Location", "")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                return answer, url
            if method not in ("GET", "HEAD") and (answer.status < 307 or check):
                return answer, url  # a body goes where it was meant to, and no further
            answer.drain_conn()
            url = urljoin(url, location)
            if not url.startswith(("https://", "http://")):
                raise Broken(f"it redirects to {url[:200]!r}")
            if check:
                check(url)
            if hasattr(body, "seek"):
                body.seek(0)
        raise Broken(f"it redirects more than {_REDIRECTS} times")

    def _once(
        self, method: str, url: str, body: Any, headers: Mapping[str, str], *, stream: bool
    ) -> BaseHTTPResponse:
        import urllib3

        retries = urllib3.Retry(
            connect=2, read=False, redirect=False, other=0, raise_on_status=False
        )
        try:
            answer = self._pool(url).request(
                method,
                url,
                body=body,
                headers=headers,
                retries=retries,
                redirect=False,
                timeout=urllib3.Timeout(connect=15, read=300),
                preload_content=False,
                # Nothing is asked for that is packed: a few bytes would fill the memory.
                decode_content=False,
            )
            return answer if stream and answer.status < 300 else _read_whole(answer)
        except broken() as error:
            reason = getattr(error, "reason", None) or error
            raise Broken(str(reason)) from None

    def _pool(self, url: str) -> PoolManager:
        import urllib3

        parts = urlsplit(url)
        proxy = None if _LOCAL.fullmatch(parts.netloc) else proxy_for(parts.scheme, parts.netloc)
        if proxy not in self._pools:
            self._pools[proxy] = urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager()
        return self._pools[proxy]

    # Faults

    def expect(self, answer: BaseHTTPResponse, status: int, what: str) -> None:
        """Refuse an answer of another status.

        Raises:
            PlatformFault: it has one.
        """
        if answer.status != status:
            raise PlatformFault(
                f"the registry {what}: HTTP status {answer.status}",
                where=self.name,
                remedy="try again; if it stays so, see what the registry's log says",
                detail=said(answer),
            )

    def nonsense(self, detail: str) -> Nonsense:
        """The fault of a registry that does not keep to the specification."""
        return Nonsense(
            "this is not a registry, or a broken one",
            where=self.base,
            remedy="correct the name",
            detail=detail,
        )

    def unreachable(self, error: Broken) -> PlatformFault:
        """The fault of a registry that does not answer."""
        return out_of_reach(self.name, self.host, str(error))


def _read_whole(answer: BaseHTTPResponse) -> BaseHTTPResponse:
    """An answer with its data, unless that is larger than any that is to be kept in memory.

    Raises:
        Broken: it is.
    """
    import urllib3

    data = bytearray()
    for piece in pieces(answer, 1 << 20):
        data += piece
        if len(data) > _LARGEST:
            answer.close()
            raise Broken(f"its answer has more than {_LARGEST >> 20} MB")
    answer.release_conn()
    return urllib3.HTTPResponse(
        body=io.BytesIO(bytes(data)),
        headers=answer.headers,
        status=answer.status,
        decode_content=False,
    )


def broken() -> tuple[type[Exception], ...]:
    """What urllib3 raises when a connection fails."""
    import urllib3

    return (urllib3.exceptions.HTTPError, OSError)


def said(answer: BaseHTTPResponse) -> str:
    """The beginning of an answer's body, for an error."""
    with suppress(*broken()):
        return answer.data.decode(errors="replace")[:500].strip()
    return ""


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: a login for one is not for another."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, parts.hostname or "", port or _PORTS.get(parts.scheme, 0)
