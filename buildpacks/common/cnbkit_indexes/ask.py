"""Asking an index directly, for what neither uv nor pip tells.

Whoever answers is not trusted: an answer has its time and its size, and a login goes to the place
that it is for and to no other, wherever that may lead.
"""

from __future__ import annotations

import base64
import threading
import time
import urllib.request
from contextlib import ExitStack, closing
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from http.client import HTTPMessage
    from typing import IO

    from cnbkit_logins.address import Login

__all__ = ["Answer", "ask"]

_WEB = ("http", "https")
_CHUNK = 1 << 16
# Of each read; the time of all of them is counted besides.
_SILENCE = 10.0


class Answer:
    """What came.

    Attributes:
        status: of HTTP.
        length: what it says its length to be; 0 if nothing.
        body: its beginning; empty if it went to a file.
    """

    __slots__ = ("body", "length", "status")

    def __init__(self, status: int, length: int, body: bytes) -> None:
        self.status = status
        self.length = length
        self.body = body


def ask(
    url: str,
    *,
    seconds: float,
    longest: int,
    login: Login | None = None,
    certificates: str = "",
    head: bool = False,
    into: str = "",
) -> Answer:
    """One answer, after redirects.

    Args:
        url: http or https, without a login.
        seconds: all of it may take.
        longest: bytes that are read at most.
        login: for the host that is asked.
        certificates: path of those to trust; empty for the system's.
        head: ask for its headers alone.
        into: a file to write it to, where it has to be whole.

    Raises:
        HTTPError: its status is not one of success; `infinite loop` stands in it for redirects.
        OSError: there is none, it is longer, or takes longer.
    """
    if urlsplit(url).scheme not in _WEB:
        raise URLError("it is not a web address")
    request = urllib.request.Request(url, method="HEAD" if head else "GET")  # noqa: S310
    if login:
        text = base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
        request.add_header("Authorization", f"Basic {text}")
    found: list[Answer] = []
    failed: list[Exception] = []
    end = time.monotonic() + seconds

    def get() -> None:
        try:
            found.append(_get(request, end, longest, certificates, into))
        except Exception as error:
            if isinstance(error, HTTPError):
                error.close()
            failed.append(error)

    # Headers may come byte by byte, and nothing counts the time of those.
    thread = threading.Thread(target=get, daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        [error] = failed
        raise error if isinstance(error, OSError) else URLError(str(error))
    if not found:
        raise TimeoutError(f"no whole answer after {seconds:g} s")
    return found[0]


def _get(
    request: urllib.request.Request, end: float, longest: int, certificates: str, into: str
) -> Answer:
    import ssl

    context = ssl.create_default_context(cafile=certificates or None)
    opener = urllib.request.build_opener(_Redirects, urllib.request.HTTPSHandler(context=context))
    with closing(opener.open(request, timeout=_SILENCE)) as answer, ExitStack() as stack:
        length = answer.headers.get("Content-Length") or ""
        number = int(length) if length.isdecimal() and len(length) < 20 else 0
        parts: list[bytes] = []
        take = stack.enter_context(open(into, "wb")).write if into else parts.append
        size = 0
        while size < longest + bool(into) and (part := answer.read1(_CHUNK)):
            if time.monotonic() > end:
                raise TimeoutError("it takes too long")
            size += len(part)
            if into and size > longest:
                raise OSError(f"it is longer than {longest} bytes")
            take(part)
        if into and size < number:
            raise OSError(f"the connection ended after {size} of {number} bytes")
        return Answer(answer.status, number, b"".join(parts)[:longest])


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        if new is None:
            return None
        if urlsplit(newurl).scheme not in _WEB:
            raise HTTPError(newurl, code, "it redirects to what is not a web address", headers, fp)
        new.method = req.get_method()
        if _place(newurl) != _place(req.full_url):
            new.remove_header("Authorization")
        return new


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()
