"""Logins for registries, from the files that Docker, podman and CI services keep them in.

Looked through in this order, until one has a login for the registry:

- `$DOCKER_AUTH_CONFIG`: the text of such a file, as GitLab and Docker take it;
- `$REGISTRY_AUTH_FILE`;
- `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`;
- podman's `$XDG_RUNTIME_DIR/containers/auth.json`, then `$XDG_CONFIG_HOME/containers/auth.json`
  (`~/.config` if that is not set).

What is there and cannot be used is an error that names it: going on without a login would look
like a registry that refuses.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnbkit.errors import PlatformFault
from cnbkit_engine.oci.reference import HUB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Login", "find_login"]

_HUB_KEY = "https://index.docker.io/v1/"  # what Docker itself files Docker Hub under
_HUB_NAMES = (HUB, "index.docker.io", "registry-1.docker.io")
_API_PATHS = ("", "v1", "v2")
# Of an entry without a login: Docker and old tools write them and nothing of them is needed.
_IDLE = {"email", "serveraddress"}
_USED = {"auth", "username", "password", "identitytoken", "registrytoken"}
_TOKEN_USER = "<token>"  # noqa: S105 - what helpers call the user of an identity token


@dataclass(frozen=True, repr=False)
class Login:
    """What a registry, or its token service, is told.

    Args:
        username: with `password`, for Basic authentication.
        password: the secret.
        identity_token: exchanged for a token at the registry's token service (OAuth).
        registry_token: sent to the registry as it is.
    """

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""

    @property
    def basic(self) -> str:
        """The Basic Authorization header; empty without a user."""
        if not self.username:
            return ""
        return "Basic " + b64encode(f"{self.username}:{self.password}".encode()).decode()

    @property
    def for_lifecycle(self) -> str:
        """The value CNB_REGISTRY_AUTH has for a registry (platform specification)."""
        if self.registry_token:
            return f"Bearer {self.registry_token}"
        if self.identity_token:
            return f"X-Identity {self.identity_token}"
        return self.basic


def find_login(domain: str, path: str = "") -> Login | None:
    """The login for a registry, or for a repository of it.

    Args:
        domain: host and port; `docker.io` for Docker Hub.
        path: of the repository: podman's files may hold logins for parts of a registry.

    Raises:
        PlatformFault: a file is unreadable or not what it should be, or a helper fails.
    """
    for where, config in _configurations():
        if login := _Configuration(where, config).login(domain, path):
            return login
    return None


def _configurations() -> Iterator[tuple[str, Any]]:
    if text := os.environ.get("DOCKER_AUTH_CONFIG"):
        yield "DOCKER_AUTH_CONFIG", _parsed("DOCKER_AUTH_CONFIG", text.encode())
    named = os.environ.get("REGISTRY_AUTH_FILE")
    if named:
        yield named, _read(Path(named), required=True)
    home = os.path.expanduser("~")  # without a home it stays `~`, and is not found
    docker = os.environ.get("DOCKER_CONFIG") or f"{home}/.docker"
    places = [f"{docker}/config.json"]
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        places.append(f"{runtime}/containers/auth.json")
    places.append(f"{os.environ.get('XDG_CONFIG_HOME') or f'{home}/.config'}/containers/auth.json")
    for place in places:
        if place != named:
            yield place, _read(Path(place))


def _read(path: Path, *, required: bool = False) -> Any:
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        if required:
            raise _unreadable(str(path), f"REGISTRY_AUTH_FILE names it: {error}") from None
        return None
    except OSError as error:
        raise _unreadable(str(path), str(error)) from None
    return _parsed(str(path), data)


def _parsed(where: str, data: bytes) -> Any:
    if not data.strip():
        return None  # Docker takes an empty file for an empty configuration
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _unreadable(where, str(error)) from None


class _Configuration:
    """One file's content."""

    def __init__(self, where: str, document: Any) -> None:
        self._where = where
        document = self._object(document, "the file")
        self._entries = self._object(document.get("auths"), "auths")
        self._helpers = self._object(document.get("credHelpers"), "credHelpers")
        self._store = document.get("credsStore") or ""
        if not isinstance(self._store, str):
            raise self._wrong("credsStore is not a text", "name a credential helper")

    def login(self, domain: str, path: str) -> Login | None:
        helper = next((self._helpers[key] for key in _keys(domain) if key in self._helpers), "")
        if helper := helper or self._store:
            key = _HUB_KEY if domain == HUB else domain
            if login := self._ask(helper, key):
                return login
        return self._entry(domain, path)

    def _entry(self, domain: str, path: str) -> Login | None:
        spelled = {_plain(key): key for key in self._entries}
        # The exact spelling counts before an older one of the same registry.
        spelled |= {key: key for key in self._entries}
        parts = path.split("/") if path else []
        for count in range(len(parts), -1, -1):
            for host in _keys(domain):
                key = spelled.get("/".join((host, *parts[:count])))
                if key is not None and (login := self._read_entry(key)):
                    return login
        return None

    def _read_entry(self, key: str) -> Login | None:
        entry = self._object(self._entries[key], f"auths.{key!r}")
        filled = {name: value for name, value in entry.items() if value}
        for name, value in filled.items():
            if name in _USED and not isinstance(value, str):
                raise self._wrong(f"auths.{key!r}.{name} is not a text", "log in again")
        login = Login(
            *self._pair(key, filled),
            filled.get("identitytoken", ""),
            filled.get("registrytoken", ""),
        )
        if login.for_lifecycle:
            return login
        if unknown := sorted(set(filled) - _IDLE):
            raise self._wrong(
                f"auths.{key!r} has no login cnbkit can use, only {', '.join(unknown)}",
                "log in again with `docker login` or `podman login`",
            )
        return None

    def _pair(self, key: str, entry: Mapping[str, str]) -> tuple[str, str]:
        text = entry.get("auth", "")
        if not text:
            pair = entry.get("username", ""), entry.get("password", "")
            return pair if all(pair) else ("", "")
        try:
            # Some tools leave the padding out.
            data = b64decode(text.strip() + "=" * (-len(text.strip()) % 4), validate=True)
            user, colon, password = data.decode().partition(":")
        except (NotBase64, UnicodeDecodeError):
            user = colon = ""
        if not colon or not user:
            raise self._wrong(
                f"auths.{key!r}.auth is not user:password in base64",
                "log in again with `docker login` or `podman login`",
            )
        return user, password.strip("\0")  # Docker pads short ones

    def _ask(self, helper: Any, key: str) -> Login | None:
        if not isinstance(helper, str) or not helper or "/" in helper:
            raise self._wrong(f"{helper!r} is not a credential helper's name", "correct it")
        from cnbkit_engine.oci.credential_helper import ask_helper

        user, secret = ask_helper(helper, key, self._where) or ("", "")
        if not secret:
            return None
        if user == _TOKEN_USER:
            return Login(identity_token=secret)
        return Login(user, secret)

    def _object(self, value: Any, name: str) -> dict[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._wrong(f"{name} is a {type(value).__name__}, not an object", "correct it")
        return value

    def _wrong(self, what: str, remedy: str) -> PlatformFault:
        return PlatformFault(
            "a registry login cannot be used", where=self._where, remedy=remedy, detail=what
        )


def _keys(domain: str) -> tuple[str, ...]:
    """What a registry is called in these files."""
    return (_HUB_KEY, *_HUB_NAMES) if domain == HUB else (domain,)


def _plain(key: str) -> str:
    """A key without scheme, and without an API's path."""
    rest = key.removeprefix("https://").removeprefix("http://")
    host, _, path = rest.partition("/")
    return host if path.strip("/") in _API_PATHS else rest.rstrip("/")


def _unreadable(where: str, detail: str) -> PlatformFault:
    return PlatformFault(
        "cannot read the file with registry logins",
        where=where,
        remedy="correct the file, or log in again with `docker login` or `podman login`",
        detail=detail,
    )
