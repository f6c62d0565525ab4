"""Answers to a registry's challenge, so that a login goes to whom it is for and nobody else.

The rules for a token service's address are go-containerregistry's (transport/bearer.go): https,
or http where the registry itself is spoken to so; never an address of a private network that the
registry does not have itself, for it would make this machine ask its own network's services.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from cnbkit.errors import PlatformFault
from cnbkit_engine.oci.errors import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from urllib3 import BaseHTTPResponse

    from cnbkit_engine.oci.docker_config import Login

__all__ = ["Challenge", "TokenService", "is_private"]

_CHALLENGE = re.compile(
    r'(?:^|,)\s*(Bearer|Basic)\b((?:\s*,?\s*\w+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s,"]+))*)', re.I
)
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_CLIENT = "cnbkit"


@dataclass(frozen=True)
class Challenge:
    """What a registry asks for.

    Args:
        scheme: `basic` or `bearer`.
        realm: address of the token service, of `bearer`.
        service: what the token service is to be told.
        scope: what the token is to allow.
    """

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""

    @classmethod
    def read(cls, header: str) -> Challenge | None:
        """The first of a WWW-Authenticate header's challenges that can be answered."""
        # The pattern's time grows with the square of a run of blanks.
        for match in _CHALLENGE.finditer(" ".join(header.split())):
            told = {
                name.lower(): re.sub(r"\\(.)", r"\1", quoted) or plain
                for name, quoted, plain in _PARAMETER.findall(match[2])
            }
            known = (told.get(key, "") for key in ("realm", "service", "scope"))
            return cls(match[1].lower(), *known)
        return None


class TokenService:
    """Whom a registry says to get tokens from.

    Args:
        name: of the image, for errors.
        host: of the registry, with its port.
        plain: whether the registry is spoken to by plain HTTP.
        send: sends a request (method, address, body, headers) and refuses addresses that its last
            argument, which it calls for each redirect, refuses.
    """

    def __init__(
        self,
        name: str,
        host: str,
        *,
        plain: bool,
        send: Callable[
            [str, str, str | None, dict[str, str], Callable[[str], None]], BaseHTTPResponse
        ],
    ) -> None:
        self._name = name
        self._host = host
        self._plain = plain
        self._send = send

    def token(self, challenge: Challenge, login: Login | None) -> str:
        """A token for what the challenge asks.

        Raises:
            PlatformFault: the service is none the login may be told to, refuses, or fails.
        """
        self._check(challenge.realm)
        asked = {"service": challenge.service, "scope": challenge.scope}
        query = {key: value for key, value in asked.items() if value}
        answer = None
        if login and login.identity_token:
            form = {
                "grant_type": "refresh_token",
                "refresh_token": login.identity_token,
                "client_id": _CLIENT,
                **query,
            }
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = self._send("POST", challenge.realm, urlencode(form), kind, self._check)
        if answer is None or (answer.status in (404, 405) and login and login.basic):
            # Every service has this way; not all have the one for identity tokens.
            parts = urlsplit(challenge.realm)
            full = urlencode([*parse_qsl(parts.query), *query.items()])
            headers = {"Authorization": login.basic} if login and login.basic else {}
            address = urlunsplit(parts._replace(query=full))
            answer = self._send("GET", address, None, headers, self._check)
        return self._read(answer, challenge.realm)

    def _check(self, address: str) -> None:
        """Refuse an address that must not see a login.

        Raises:
            PlatformFault: it is none for this registry's token service.
        """
        try:
            parts = urlsplit(address)
            host, named = parts.netloc, parts.hostname or ""
        except ValueError:
            host = named = ""
        if not host or "@" in host:
            raise self._strange(address, "it is not the address of a service")
        if parts.scheme != "https" and not (parts.scheme == "http" and self._plain):
            raise self._strange(address, "the login would be sent there without encryption")
        if host != self._host and is_private(named):
            raise self._strange(address, "it is an address of this machine or its network")

    def _read(self, answer: BaseHTTPResponse, realm: str) -> str:
        said = answer.data.decode(errors="replace")[:500].strip()
        where = urlsplit(realm).netloc
        if answer.status in (401, 403):
            raise refused(self._name, self._host, answer.status, said)
        if answer.status != 200:
            raise PlatformFault(
                f"the registry's token service {where} answers with HTTP status {answer.status}",
                where=self._name,
                remedy="try again later; if it stays so, tell who runs the registry",
                detail=said,
            )
        try:
            document = json.loads(answer.data)
            token = document.get("access_token") or document["token"]
        except (AttributeError, KeyError, ValueError, RecursionError):
            token = None
        if not isinstance(token, str) or not token:
            raise PlatformFault(
                f"the registry's token service {where} gives no token",
                where=self._name,
                remedy="correct the name; if it is right, tell who runs the registry",
            )
        return token

    def _strange(self, address: str, why: str) -> PlatformFault:
        return PlatformFault(
            "the registry names a token service that gets no login",
            where=self._name,
            remedy="correct the name; a registry without TLS needs "
            f"--insecure-registry {self._host}",
            detail=f"{address[:300]!r}: {why}" if address else "it names none",
        )


def is_private(host: str) -> bool:
    """Whether a host is given by an address of this machine or of a private network."""
    from ipaddress import ip_address

    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_private
        or address.is_unspecified
    )
