"""Credentials for registries, from where Docker keeps them.

`$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`: plain entries, one credential helper
for all, or one for a registry. Only the registries a build talks to are asked for, and the
lifecycle gets them by its environment (platform spec, "Registry Authentication").
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnbkit.errors import PlatformFault
from cnbkit.platform.oci import split_host

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["authorization", "for_lifecycle"]

# What Docker itself files Docker Hub under.
_HUB = {
    "docker.io": "https://index.docker.io/v1/",
    "index.docker.io": "https://index.docker.io/v1/",
}


def authorization(registry: str) -> str | None:
    """The Authorization header for a registry host; None if there are no credentials for it.

    Raises:
        PlatformFault: the configuration is unreadable, or its helper fails.
    """
    folder = os.environ.get("DOCKER_CONFIG")
    path = (Path(folder) if folder else Path.home() / ".docker") / "config.json"
    try:
        config = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise PlatformFault(
            "cannot read Docker's configuration",
            where=str(path),
            remedy="mend the file, or log in again with `docker login`",
            detail=str(error),
        ) from None
    key = _HUB.get(registry, registry)
    helper = config.get("credHelpers", {}).get(registry) or config.get("credsStore")
    if helper:
        return _from_helper(helper, key)
    entry = config.get("auths", {}).get(key) or config.get("auths", {}).get(f"https://{key}")
    if not isinstance(entry, dict):
        return None
    return f"Basic {entry['auth']}" if entry.get("auth") else None


def for_lifecycle(images: Iterable[str]) -> dict[str, str]:
    """Authorization headers for the hosts of some images, as CNB_REGISTRY_AUTH wants them.

    Hosts there are no credentials for are left out.

    Raises:
        PlatformFault: as `authorization`.
    """
    found = {}
    for host in {split_host(image)[0] for image in images}:
        if header := authorization(host):
            # go-containerregistry's name of Docker Hub, by which the lifecycle looks it up.
            found["index.docker.io" if host == "docker.io" else host] = header
    return found


def _from_helper(helper: str, key: str) -> str | None:
    import subprocess

    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, "get"], input=key, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise PlatformFault(
            f"cannot run {program}: {error.strerror}",
            where="credsStore or credHelpers in Docker's configuration",
            remedy=f"install {program}, or log in again with `docker login`",
        ) from None
    if done.returncode:
        return None  # helpers fail so for a registry they know nothing of
    found: dict[str, Any] = json.loads(done.stdout)
    pair = f"{found['Username']}:{found['Secret']}"
    return "Basic " + b64encode(pair.encode()).decode()
