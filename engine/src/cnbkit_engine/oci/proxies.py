"""Proxies by the usual variables: for our own requests, and for what we start."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["proxy_for", "proxy_variables"]

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
_EXCEPTIONS = ("NO_PROXY", "no_proxy")


def proxy_variables(host: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The person's proxy variables, with a host added that no proxy may be asked for.

    Programs know by themselves that `localhost` needs no proxy, but not a name below it.

    Args:
        host: the name of a server on this machine.
        environ: where the variables are.
    """
    found = {name: environ[name] for name in _PROXIES if environ.get(name)}
    told = {name: environ[name] for name in _EXCEPTIONS if environ.get(name)}
    if not found:
        return told
    either = next(iter(told.values()), "")
    for name in _EXCEPTIONS:  # programs read one or the other
        found[name] = ",".join(each for each in (told.get(name, either), host) if each)
    return found


def proxy_for(scheme: str, host: str) -> str | None:
    """Address of the proxy to a host; None where it is reached without one.

    Args:
        scheme: `http` or `https`.
        host: name, perhaps with a port.
    """
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
