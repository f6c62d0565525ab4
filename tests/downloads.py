"""What tests fetch from the network, fetched once and kept on this machine.

A proxy (`tests.proxy`) stands between the tests and the network. All that they start (uv, pip,
Poetry, apt, Go, a build in its sandbox) uses it by the usual variables, so that addresses stay what
they are for everybody. A file that was fetched is not fetched again; the page of an index is, after
a day, or used as it is where there is no network. The forms of one page, which different programs
ask for, are as old as each other: what is released meanwhile is seen by all of them or by none.

`CNBKIT_TEST_DOWNLOADS` names the folder; empty, there is no proxy.
"""

from __future__ import annotations

import hashlib
import json
import os
import ssl
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Answer", "Downloads", "default_folder"]

_DAY = 24 * 3600
_PATIENCE = 60
# So long a host that cannot be reached is not asked for what is kept, though old.
_AWAY = 120
# How far the ages of a page's forms may differ.
_TOGETHER = 600
_PIECE = 1 << 18
# Kept no longer than this without being asked for, nor any file larger than that.
_UNUSED = 30 * _DAY
_LARGEST = 1 << 30
# Files that an index never changes under their name.
_FILES = (".whl", ".metadata", ".zip", ".tar.gz", ".tar.bz2", ".deb", ".conda", ".mod", ".info")
_PASSED_ON = ("accept", "user-agent", "authorization")
_KEPT = (
    *("content-type", "content-encoding", "content-range", "etag", "last-modified", "location"),
    "accept-ranges",
)


def default_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where files are kept; None if they are not to be."""
    if "CNBKIT_TEST_DOWNLOADS" in environment:
        named = environment["CNBKIT_TEST_DOWNLOADS"]
        return Path(named).absolute() if named else None
    cache = environment.get("XDG_CACHE_HOME", "")
    base = Path(cache) if cache.startswith("/") else Path.home() / ".cache"
    return base / "cnbkit-tests" / "downloads"


class Answer(NamedTuple):
    """What is at an address.

    Attributes:
        told: its status, headers and length.
        body: a file with what was sent.
        whole: whether that is all there is, of which the part asked for is to be taken.
        fetched: bytes that came from the network for it; None if it was kept.
    """

    told: dict[str, Any]
    body: Path
    whole: bool
    fetched: int | None = None


class Downloads:
    """What was fetched, and what fetches the rest; several proxies and sessions share it.

    Args:
        folder: where files are kept; made.
        context: what it trusts upstream; this machine's authorities if not given.
    """

    def __init__(self, folder: Path, *, context: ssl.SSLContext | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()
        # Hosts out of reach, and until when nobody asks them again.
        self._away: dict[str, float] = {}
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler(),  # as the variables are now: another proxy, or none
            urllib.request.HTTPSHandler(context=context or ssl.create_default_context()),
            _NoRedirects(),
        )
        self._forget_unused()

    def answer(self, method: str, url: str, headers: Mapping[str, str]) -> Answer:
        """What is at an address.

        Raises:
            OSError: it is not kept, and the network or its server does not give it.
        """
        page = not urlsplit(url).path.endswith(_FILES)
        # An index's page has several forms. A login sees what others do not.
        asks = [url, headers.get("authorization", ""), headers.get("accept", "") if page else ""]
        whole = self._place(*asks)
        if (known := _read(whole)) and not page:
            _used(whole)
            return Answer(known, _body(whole), True)
        # Of a large file no more than is asked for.
        part = headers.get("range", "") if not page else ""
        wanted = "HEAD" if method == "HEAD" and not page else "GET"
        final = whole if wanted == "GET" and not part else self._place(*asks, wanted, part)
        with self._lock:
            lock = self._locks[final.name]
        with lock:
            known = _read(final)
            moment = self._place(*asks[:2]).with_suffix(".moment")
            old = known and page and _old(known["time"], moment) and not self._is_away(url)
            if not known or old:
                try:
                    told, size = self._fetch(wanted, url, headers, final)
                    if page:
                        moment.touch()
                    return Answer(told, _body(final), final == whole, size)
                except OSError:
                    if not known:
                        raise
                    with self._lock:
                        self._away[_host(url)] = time.monotonic() + _AWAY
            _used(final)
            return Answer(known, _body(final), final == whole)

    def _is_away(self, url: str) -> bool:
        with self._lock:
            return time.monotonic() < self._away.get(_host(url), 0)

    def _place(self, *asks: str) -> Path:
        return self.folder / hashlib.sha256("\n".join(asks).encode()).hexdigest()

    def _fetch(
        self, method: str, url: str, headers: Mapping[str, str], final: Path
    ) -> tuple[dict[str, Any], int]:
        sent = {name: headers[name] for name in (*_PASSED_ON, "range") if name in headers}
        if not urlsplit(url).path.endswith(_FILES):
            sent.pop("range", "")
        request = urllib.request.Request(url, headers=sent, method=method)
        try:
            response = self._opener.open(request, timeout=_PATIENCE)
        except urllib.error.HTTPError as error:
            response = error
        with response, tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as file:
            size = 0
            while piece := response.read(_PIECE):
                file.write(piece)
                size += len(piece)
        length = int(response.headers.get("content-length") or size)
        if length != size and method != "HEAD":
            Path(file.name).unlink()
            raise OSError(f"{url} ended after {size} of {length} bytes")
        kept = {name: response.headers[name] for name in _KEPT if response.headers[name]}
        told = {"url": url, "status": response.status, "headers": kept, "time": time.time()}
        told["length"] = length
        Path(file.name).replace(_body(final))
        # A server's trouble is its own, and does not last.
        if response.status < 500 and response.status != 429 and size <= _LARGEST:
            scratch = Path(f"{file.name}.json")
            scratch.write_text(json.dumps(told))
            scratch.replace(final)
        return told, size

    def _forget_unused(self) -> None:
        now = time.time()
        for path in self.folder.iterdir():
            with suppress(OSError):  # another session of tests does the same
                if path.suffix != ".body" and now - path.stat().st_mtime > _UNUSED:
                    path.unlink()
                    _body(path).unlink(missing_ok=True)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Who asked is told where to go, as without a proxy."""

    def redirect_request(self, *_: object) -> None:
        return None


def _old(fetched: float, moment: Path) -> bool:
    """Whether a page is to be fetched again, a form of which was last fetched at a moment."""
    try:
        last = moment.stat().st_mtime
    except FileNotFoundError:
        return True
    return time.time() - fetched >= _DAY or last - fetched > _TOGETHER


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _used(final: Path) -> None:
    with suppress(OSError):
        os.utime(final)


def _body(final: Path) -> Path:
    return final.with_suffix(".body")


def _read(final: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(final.read_text())
        return found if _body(final).exists() else None
    except (OSError, ValueError):
        return None
