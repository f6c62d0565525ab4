"""Fetching what a buildpack installs: checked first, from wherever it can be had.

In this order: the buildpack's own `dependencies/` (an offline package), the address a
`dependency-mapping` binding names for the checksum, `BP_DEPENDENCY_MIRROR`, the declared
address, its mirrors. Nothing is handed out before its checksum is right.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time

from cnbkit.errors import PlatformFault
from cnbkit.flow import TooSlow, pieces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from urllib3 import BaseHTTPResponse, PoolManager

    from cnbkit.bindings.bindings import Bindings
    from cnbkit.dependency import Dependency
    from cnbkit.log import Log
    from cnbkit.settings import Settings

__all__ = ["DownloadFailed", "Downloads"]

_CHUNK = 1 << 20
_TELL_EVERY = 5.0
_FULL = (errno.ENOSPC, errno.EDQUOT)
# Nobody's dependency is larger; what has no end fills the disk.
_LONGEST = 64_000_000_000


class DownloadFailed(PlatformFault):
    """Nobody gave the file.

    Attributes:
        statuses: what the last answer of each address was, in order: an HTTP status, 0 where
            there was none, 200 for a file with another checksum.
    """

    def __init__(
        self, what: str, *, where: str, remedy: str, detail: str, statuses: Sequence[int]
    ) -> None:
        super().__init__(what, where=where, remedy=remedy, detail=detail)
        self.statuses = tuple(statuses)


class _Failure(Exception):
    def __init__(self, what: str, status: int = 0) -> None:
        super().__init__(what)
        self.status = status


class _Passing(_Failure):
    """It may work the next time."""


class _Final(_Failure):
    """This address will not give it."""


class Downloads:
    """Fetches dependencies for one build.

    Args:
        folder: where they go, one folder each.
        bundle: `dependencies/` of the buildpack; need not be there.
        pauses: seconds before each further attempt at one address.
    """

    def __init__(
        self,
        folder: str,
        bundle: str,
        settings: Settings,
        bindings: Bindings,
        log: Log,
        *,
        pauses: Sequence[float] = (1, 2, 4, 8),
    ) -> None:
        self._folder = folder
        self._bundle = bundle
        self._settings = settings
        self._bindings = bindings
        self._log = log
        self._pauses = pauses

    def fetch(self, dependency: Dependency) -> str:
        """The path of the file.

        Raises:
            DownloadFailed: nobody has it; says of each address why not.
            PlatformFault: the disk is full, or nothing can be written to it.
        """
        for folder in (self._folder, self._bundle):
            path = f"{folder}/{dependency.digest}/{dependency.name}"
            if os.path.isfile(path) and _digest(path, dependency) == dependency.digest:
                return path
        path = f"{self._folder}/{dependency.digest}/{dependency.name}"
        failures = []
        statuses = []
        for url in self._addresses(dependency):
            try:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                self._from(url, dependency, path)
            except _Final as failure:
                failures.append(f"{_public(url)}: {failure}")
                statuses.append(failure.status)
            except OSError as error:
                raise PlatformFault(
                    f"cannot store {dependency.name}: {error.strerror}",
                    where=os.path.dirname(path),
                    remedy="free some space, or give the build a larger disk"
                    if error.errno in _FULL
                    else "make it a folder that the build's user can write to",
                ) from None
            else:
                return path
        raise DownloadFailed(
            f"cannot fetch {dependency.name}",
            where=_public(dependency.url),
            remedy=_remedy(dependency.url),
            detail="\n".join(failures),
            statuses=statuses,
        )

    def _addresses(self, dependency: Dependency) -> Iterable[str]:
        found = [
            binding.text(dependency.digest).strip()
            for binding in self._bindings.all("dependency-mapping")
            if binding.has(dependency.digest)
        ]
        mirror = self._settings.get("BP_DEPENDENCY_MIRROR")
        if mirror:
            host, _, path = dependency.url.partition("://")[2].partition("/")
            host = host.rpartition("@")[2]
            found.append(f"{mirror.replace('{originalHost}', host).rstrip('/')}/{path}")
        return dict.fromkeys([*found, dependency.url, *dependency.mirrors])

    def _from(self, url: str, dependency: Dependency, path: str) -> None:
        for pause in [*self._pauses, None]:
            try:
                if url.startswith("file://"):
                    _copy(url.removeprefix("file://"), f"{path}.part")
                else:
                    own = dependency.headers if url == dependency.url else None
                    self._transfer(url, dependency.name, f"{path}.part", own() if own else {})
                break
            except _Passing as failure:
                if pause is None:
                    times = f"{failure}, {len(self._pauses) + 1} times"
                    raise _Final(times, failure.status) from None
                self._log.debug(f"{dependency.name}: {failure}; again in {pause:g} s")
                time.sleep(pause)
            except _Final:
                if os.path.exists(f"{path}.part"):
                    os.unlink(f"{path}.part")  # it would be the beginning of the next attempt
                raise
        found = _digest(f"{path}.part", dependency)
        if found != dependency.digest:
            # What is wrong now would be wrong as the beginning of the next attempt, too.
            os.unlink(f"{path}.part")
            raise _Final(
                f"it is not the file it should be: its {_shown(dependency)} is {found}", 200
            )
        os.replace(f"{path}.part", path)

    def _transfer(self, url: str, name: str, part: str, own: Mapping[str, str]) -> None:
        import urllib3

        have = os.path.getsize(part) if os.path.exists(part) else 0
        headers = {"User-Agent": "cnbkit", "Accept-Encoding": "identity", **own}
        if have:
            headers["Range"] = f"bytes={have}-"
        try:
            response = _pool(url).request(
                "GET",
                url,
                headers=headers,
                preload_content=False,
                timeout=urllib3.Timeout(connect=15, read=60),
                retries=urllib3.Retry(
                    connect=0,
                    read=0,
                    status=0,
                    other=0,
                    redirect=10,
                    raise_on_status=False,
                    remove_headers_on_redirect={"Authorization", "Cookie", *own},
                ),
            )
            try:
                self._receive(response, have, name, part)
            finally:
                response.close()
        except TooSlow as slow:
            raise _Passing(str(slow)) from None
        except urllib3.exceptions.LocationValueError as error:
            raise _Final(str(error)) from None
        except urllib3.exceptions.HTTPError as error:
            reason = getattr(error, "reason", None) or error
            raise _Passing(f"{type(reason).__name__}: {_plainly(reason)}") from None

    def _receive(self, response: BaseHTTPResponse, have: int, name: str, part: str) -> None:
        status = response.status
        if status in (408, 416, 425, 429) or status >= 500:
            if status == 416:  # what is there does not fit: begin anew
                os.unlink(part)
            raise _Passing(f"HTTP status {status}", status)
        if status not in (200, 206):
            raise _Final(f"HTTP status {status}", status)
        if status == 206 and not response.headers.get("Content-Range", "").startswith(
            f"bytes {have}-"
        ):
            os.unlink(part)
            raise _Passing("it continued at another place")
        size = have if status == 206 else 0
        length = response.headers.get("Content-Length", "0")
        total = size + (int(length) if length.isdecimal() and len(length) < 20 else 0)
        told = time.monotonic()
        with open(part, "ab" if status == 206 else "wb") as file:
            # `stream` would throw away what came before the connection broke.
            for chunk in pieces(response, _CHUNK):
                file.write(chunk)
                size += len(chunk)
                if size > _LONGEST:
                    raise _Final(f"it is longer than {_LONGEST // 1_000_000_000} GB")
                if time.monotonic() - told > _TELL_EVERY:
                    told = time.monotonic()
                    of = f" of {total / 1e6:.0f}" if total else ""
                    self._log.info(f"  {name}: {size / 1e6:.0f}{of} MB")
        if size < total:
            raise _Passing(f"the connection ended after {size} of {total} bytes")


def _pool(url: str) -> PoolManager:
    """Through the proxy that the environment names for the address, if it names one."""
    from urllib.request import getproxies, proxy_bypass

    import urllib3

    scheme, _, rest = url.partition("://")
    proxy = getproxies().get(scheme)
    if proxy and not proxy_bypass(rest.partition("/")[0].rpartition("@")[2]):
        return urllib3.ProxyManager(proxy if "://" in proxy else f"http://{proxy}")
    return urllib3.PoolManager()


def _copy(source: str, target: str) -> None:
    import shutil

    try:
        shutil.copyfile(source, target)
    except OSError as error:
        if error.errno in _FULL:
            raise
        raise _Final(str(error.strerror)) from None


def _digest(path: str, dependency: Dependency) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, dependency.algorithm).hexdigest()


def _shown(dependency: Dependency) -> str:
    return dependency.algorithm.upper().replace("SHA", "SHA-")


def _remedy(url: str) -> str:
    from urllib.parse import urlsplit

    try:
        host = urlsplit(url).hostname or ""
    except ValueError:  # what is no address fails for another reason
        host = ""
    numbers = host.split(".")
    if host in ("localhost", "::1") or (numbers[0] == "127" and "".join(numbers).isdigit()):
        return (
            f"give an address that a build reaches: there {host} is a network of its own, not your"
            " machine's (with cnbkit build, --network host shares that)"
        )
    return "check network and proxy, or set BP_DEPENDENCY_MIRROR to a mirror that has it"


def _public(url: str) -> str:
    """The address without what may be a secret in it."""
    scheme, _, rest = url.partition("?")[0].partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _plainly(error: object) -> str:
    return str(error).rpartition(": ")[2] or str(error)
