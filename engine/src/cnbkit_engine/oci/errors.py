"""Why a registry did not do what it was asked, in words of the person who asked.

cnbkit's own requests know the status; the lifecycle's programs say it in a line of their output.
"""

from __future__ import annotations

import re

from cnbkit.errors import PlatformFault

__all__ = ["out_of_reach", "refused", "told_by_lifecycle"]

# go-containerregistry's errors: `POST https://host/v2/…: unexpected status code 403 Forbidden: …`
# and, where the registry answered as the specification says, `HEAD https://host/v2/…: DENIED: …`.
_STATUS = re.compile(r"[A-Z]+ https?://([^/\s]+)/\S*: unexpected status code (\d+)")
_CODE = re.compile(r"[A-Z]+ https?://([^/\s]+)/\S*: (UNAUTHORIZED|DENIED|TOOMANYREQUESTS)\b")
_STATUS_OF = {"UNAUTHORIZED": 401, "DENIED": 403, "TOOMANYREQUESTS": 429}
# Go's own of a request without an answer: `Head "http://host/v2/…": EOF`.
_NO_ANSWER = re.compile(r'(?:Get|Head|Post|Put|Patch) "https?://([^/\s"]+)/[^"]*": ([^\]]+)')


def refused(name: str, host: str, status: int, detail: str = "") -> PlatformFault:
    """The registry answers 401 or 403.

    Args:
        name: of the image.
        host: whose answer it is.
        status: of HTTP.
        detail: what else it says.
    """
    return PlatformFault(
        f"the registry refuses: HTTP status {status}",
        where=name,
        remedy=f"log in with `docker login {host}`; credentials may have expired",
        detail=detail,
    )


def out_of_reach(name: str, host: str, detail: str) -> PlatformFault:
    """The registry does not answer, or breaks off.

    Args:
        name: of the image.
        host: host and port.
        detail: the reason.
    """
    return PlatformFault(
        f"cannot reach the registry {host}",
        where=name,
        remedy="check the name, the network and the proxy; a registry without TLS needs "
        f"--insecure-registry {host}",
        detail=detail,
    )


def told_by_lifecycle(error: str, name: str) -> PlatformFault | None:
    """What a line of the lifecycle says a registry did; None if it says nothing of one.

    Args:
        error: the line.
        name: the image it was about.
    """
    for pattern in (_STATUS, _CODE):
        if match := pattern.search(error):
            host, said = match.groups()
            status = _STATUS_OF.get(said) or int(said)
            if status in (401, 403):
                return refused(name, host, status)
            return PlatformFault(
                f"the registry {host} answers with HTTP status {status}",
                where=name,
                remedy="try again; if it stays so, see what the registry's log says",
            )
    if match := _NO_ANSWER.search(error):
        return out_of_reach(name, match[1], match[2].strip())
    return None
