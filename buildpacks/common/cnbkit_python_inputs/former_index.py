"""The address that the default package index had until 2018, from where it still redirects."""

from __future__ import annotations

__all__ = ["is_former_index"]

_HOST = ".".join(("pypi", "python", "org"))
_PATHS = ("simple", "pypi")


def is_former_index(address: str) -> bool:
    """Whether an address is that one: asking there is asking the default index, with a detour.

    Lists that other tools wrote have it in their first line. Mirrors of the default index take its
    place then, as they do where no index is named.
    """
    scheme, sign, rest = address.partition("://")
    host, _, path = rest.partition("/")
    if not sign or scheme.lower() not in ("http", "https"):
        return False
    return host.lower() == _HOST and path.strip("/").lower() in _PATHS
