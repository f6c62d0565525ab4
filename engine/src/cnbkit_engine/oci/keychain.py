"""Credentials the lifecycle is given (platform spec, "Registry Authentication")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit_engine.oci.docker_config import find_login
from cnbkit_engine.oci.reference import HUB, Reference

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["for_lifecycle"]


def for_lifecycle(images: Iterable[str]) -> dict[str, str]:
    """Authorization headers for the hosts of some images, as CNB_REGISTRY_AUTH wants them.

    Hosts there are no credentials for are left out. Where a host has a login for each repository,
    the first image's counts: the lifecycle knows only one for a host.

    Raises:
        PlatformFault: the logins cannot be read (docker_config).
    """
    found: dict[str, str] = {}
    for image in images:
        reference = Reference.parse(image)
        # go-containerregistry's name of Docker Hub, by which the lifecycle looks it up.
        host = "index.docker.io" if reference.domain == HUB else reference.domain
        if host not in found and (login := find_login(reference.domain, reference.path)):
            found[host] = login.for_lifecycle
    return found
