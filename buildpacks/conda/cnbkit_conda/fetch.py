"""The HTTP client that asks channels, and the faults of asking."""

from __future__ import annotations

import json
import os
import stat

from rattler.config import Config
from rattler.networking import AddHeadersMiddleware, Client, RetryMiddleware

from cnbkit import BuildContext, CnbkitError, PlatformFault, UserFault
from cnbkit_conda.address import public
from cnbkit_conda.config import CondaConfig
from cnbkit_conda.places import Places
from cnbkit_limits import Limits

__all__ = ["fault_of", "limits", "make_client"]

# What Debian and its kin have; rattler finds it by itself where a variable does not say else.
_RETRIES = 3
# What its readers of zip, tar, zstd and bzip2 say of an archive that is none.
_DAMAGED = (
    *(
        "fill whole buffer",
        "EOF reached",
        "unexpected end",
        "Invalid checksum",
        "central directory",
        "EOCD",
    ),
    *("invalid Zip", "invalid zip", "Invalid zip", "Unknown frame descriptor", "bzip2"),
)


def make_client(ctx: BuildContext, places: Places) -> Client:
    """A client that knows the logins and whom to trust."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if ctx.env.get(name):
            os.environ[name] = ctx.env[name]
    if places.rc.authorities:
        os.environ["SSL_CERT_FILE"] = places.rc.authorities
    if not places.rc.verify:
        ctx.log.warning("certificates of channels are not verified (ssl_verify in a .condarc)")
        return _unverified(ctx, places)

    def headers(host: str, path: str) -> dict[str, str] | None:
        login = places.login(host, path)
        return {"Authorization": login.header()} if login else None

    return Client([RetryMiddleware(_RETRIES), AddHeadersMiddleware(headers)], user_agent="cnbkit")


def _unverified(ctx: BuildContext, places: Places) -> Client:
    """Only rattler's own configuration can say this; it takes logins by host, from a file."""
    logins: dict[str, object] = {}
    for prefix, login in places.logins.items():
        host = prefix.partition("://")[2].partition("/")[0].partition(":")[0]
        basic = {"BasicHTTP": {"username": login.user, "password": login.password}}
        logins[host] = basic if login.user else {"BearerToken": login.password}
    path = f"{ctx.scratch}/logins.json"
    if os.path.exists(path):
        os.unlink(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(logins, file)
    settings = f"tls-no-verify = true\nauthentication-override-file = {json.dumps(path)}\n"
    return Client.from_config(Config.from_toml(settings), max_retries=_RETRIES)


def limits(ctx: BuildContext) -> Limits:
    """What a channel may make a build take."""
    config = CondaConfig.read(ctx.settings)
    return Limits("BP_CONDA_SIZE_LIMIT", config.limit, config.size_limit)


def fault_of(error: Exception, places: Places, where: str) -> CnbkitError:
    """What failed fetching means.

    Args:
        error: rattler's.
        places: the channels.
        where: what named the channel, for people.
    """
    text = str(error)
    detail = public(text).strip()
    place = places.called(text)
    name = str(place) if place else "a channel"
    if any(sign in text for sign in _DAMAGED):
        return PlatformFault(
            "a package is damaged or cut short",
            where=where,
            remedy="fetch the file again; a checksum in the list tells it from the right one",
            detail=detail,
        )
    if "hash mismatch" in text or "checksum" in text.lower():
        return PlatformFault(
            f"a package of {name} is not the file it should be",
            where=where,
            remedy="try again; if it stays so, the channel has other files than its index or "
            "your lock says",
            detail=detail,
        )
    if _says_status(text, "401", "403"):
        return UserFault(
            f"{name} refuses the login" if places.logins else f"{name} wants a login",
            where=where,
            remedy="give one in a binding of type conda or netrc",
            detail=detail,
        )
    if _says_status(text, "404") or "could not find subdir" in text:
        what = "a package is gone from it" if "failed to fetch" in text else "it is not there"
        return UserFault(
            f"{name}: {what}",
            where=where,
            remedy="correct the name of the channel; for a package that is gone, lock again or "
            "set BP_CONDA_REFRESH to a new value",
            detail=detail,
        )
    if "following redirect" in text:
        return PlatformFault(
            f"{name} redirects without end",
            where=where,
            remedy="correct the address of the channel; open it in a browser to see where it leads",
            detail=detail,
        )
    if "error sending request" in text or "connect" in text.lower():
        return PlatformFault(
            f"{name} cannot be reached",
            where=where,
            remedy="check network and proxy, or set BP_CONDA_MIRROR to a mirror you can reach",
            detail=detail,
        )
    return PlatformFault(
        "the packages could not be fetched or unpacked",
        where=where,
        remedy="see below; a full disk, a broken package or a faulty channel may be to blame",
        detail=detail,
    )


def _says_status(text: str, *codes: str) -> bool:
    """Whether one of these HTTP statuses is told: not digits of a port, an address or a hash."""
    import re

    return re.search(rf"(?<![\w:./-])(?:{'|'.join(codes)})(?![\w./-])", text) is not None
