"""Where apt gets packages: the system's sources by way of a mirror, and the app's own with keys."""

from __future__ import annotations

import os
import re

from cnbkit import BuildContext, UserFault
from cnbkit_aptfile.declared import Repository

__all__ = ["write_sources"]


def write_sources(
    ctx: BuildContext, folder: str, system: str, mirror: str, repositories: list[Repository]
) -> None:
    """Write sources.list and what belongs to it.

    Args:
        ctx: the build.
        folder: apt's own, with `etc` and `keys` in it.
        system: where the system's files are; empty for `/`.
        mirror: address in place of scheme and host in the system's sources; empty for none.
        repositories: the app's own sources.

    Raises:
        UserFault: the key of one is not there.
    """
    source = f"{system}/etc/apt/sources.list"
    text = _text(source)
    _write(f"{folder}/etc/sources.list", _through(mirror, text))
    own = f"{folder}/etc/sources.list.d"
    os.makedirs(own, exist_ok=True)
    parts = f"{system}/etc/apt/sources.list.d"
    for name in sorted(os.listdir(parts)) if os.path.isdir(parts) else []:
        if name.endswith((".list", ".sources")):
            _write(f"{own}/{name}", _through(mirror, _text(f"{parts}/{name}")))
    for number, each in enumerate(repositories):
        path = f"{folder}/keys/{number}.asc"
        key = each.signed_by
        if "BEGIN PGP" not in key:
            if not ctx.app.has(key):
                raise UserFault(
                    f"there is no file {key}, which should be the key of {each.uri}",
                    where=each.where,
                    remedy="add the key's file to the app",
                )
            data = ctx.app.bytes(key)
            if not data.lstrip().startswith(b"-----BEGIN PGP"):
                path = path.removesuffix("asc") + "gpg"
            with open(path, "wb") as file:
                file.write(data)
        else:
            _write(path, key)
        components = " ".join(each.components)
        _write(
            f"{own}/app-{number}.list",
            f"deb [signed-by={path}] {each.uri} {each.suite} {components}\n",
        )


def _through(mirror: str, text: str) -> str:
    """Sources with another host, if a mirror is set."""
    return re.sub(r"https?://[^/\s]+", mirror.rstrip("/"), text) if mirror else text


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
