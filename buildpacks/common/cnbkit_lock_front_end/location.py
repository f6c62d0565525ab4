"""Addresses as they may stand in a layer."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["without_credentials"]


def without_credentials(url: str) -> str:
    """The address without password, and without user where that is one as well (HTTP tokens)."""
    parts = urlsplit(url)
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at:
        return url
    user = "" if parts.scheme.rpartition("+")[2] in ("http", "https") else userinfo.split(":")[0]
    return parts._replace(netloc=f"{user}@{host}" if user else host).geturl()
