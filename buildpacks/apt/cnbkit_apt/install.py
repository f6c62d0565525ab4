"""Unpack packages into a layer and make up for what their scripts would have done."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from cnbkit import BuildContext, CommandFailed, OpenLayer, PlatformFault
from cnbkit_apt.alternatives import link_alternatives
from cnbkit_apt.environment import provide

__all__ = ["install"]

_AT_ONCE = 4
# Merged /usr: what packages have in these is in /usr.
_MERGED = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
# As in the base images: nobody reads them there. Licences stay.
_LEFT_OUT = re.compile(
    r"usr/share/(doc/(?!.*/copyright$|[^/]*$)|doc-base/|man/|info/|locale/|lintian/|bug/|gdb/|bash-completion/)"
)
_PREFIX = re.compile(rb"(?m)^(\w+=)(/usr\b)")
_SHEBANG = re.compile(rb"#! ?/(usr/)?bin/([\w.-]+)")


def install(ctx: BuildContext, debs: list[str], layer: OpenLayer, system: str) -> None:
    """Fill a layer.

    Args:
        ctx: the build.
        debs: paths of the packages' files.
        layer: a layer to be filled.
        system: where the build image's own files are; empty for `/`.

    Raises:
        PlatformFault: a file cannot be unpacked, or the disk is full.
    """
    folder = f"{ctx.scratch}/unpacked"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        numbers = range(len(debs))
        list(pool.map(lambda at: _extract(ctx, debs[at], f"{folder}/{at}"), numbers))
    links: dict[str, str] = {}
    for number in range(len(debs)):
        _merge(f"{folder}/{number}/data", layer.directory, links)
    _make_links(layer.directory, links)
    scripts = [f"{folder}/{number}/control/postinst" for number in range(len(debs))]
    link_alternatives(layer.directory, [path for path in scripts if os.path.exists(path)])
    _relocate(layer.directory, system)
    provide(ctx, layer)
    shutil.rmtree(folder)


def _extract(ctx: BuildContext, deb: str, folder: str) -> None:
    os.mkdir(folder)
    try:
        ctx.run("dpkg-deb", "--extract", deb, f"{folder}/data", quiet=True)
        ctx.run("dpkg-deb", "--control", deb, f"{folder}/control", quiet=True)
    except CommandFailed as failed:
        raise PlatformFault(
            f"cannot unpack {os.path.basename(deb)}",
            where=deb,
            remedy="free some space, or build again if the file is damaged",
            detail=failed.shown,
        ) from None


def _merge(data: str, layer: str, links: dict[str, str]) -> None:
    """Move a package's files into the layer; its links are only noted, under their new place."""
    for directory, names, files in os.walk(data):
        os.chmod(directory, stat.S_IMODE(os.stat(directory).st_mode) & 0o1777 | 0o755)
        inside = os.path.relpath(directory, data)
        for name in sorted(names + files):
            path = name if inside == "." else f"{inside}/{name}"
            source, place = f"{data}/{path}", _merged(path)
            if _LEFT_OUT.match(place):
                continue
            if os.path.islink(source):
                target = os.path.join("/", os.path.dirname(path), os.readlink(source))
                links[place] = _merged(os.path.normpath(target).lstrip("/"))
            elif not os.path.isdir(source):
                links.pop(place, None)
                os.makedirs(os.path.dirname(f"{layer}/{place}"), exist_ok=True)
                mode = stat.S_IMODE(os.stat(source).st_mode)
                # Nobody in the image is to become somebody else, and the app can read all.
                os.chmod(source, mode & 0o777 | 0o644)
                os.replace(source, f"{layer}/{place}")
        names[:] = [name for name in names if not os.path.islink(f"{directory}/{name}")]


def _merged(path: str) -> str:
    top = path.partition("/")[0]
    return f"usr/{path}" if top in _MERGED else path


def _make_links(layer: str, links: dict[str, str]) -> None:
    for place, target in sorted(links.items()):
        path = f"{layer}/{place}"
        if os.path.isdir(path):
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        inside = target in links or os.path.lexists(f"{layer}/{target}")
        os.symlink(
            os.path.relpath(target, os.path.dirname(place)) if inside else f"/{target}", path
        )


def _relocate(layer: str, system: str) -> None:
    """Correct what holds paths: pkg-config's files, and scripts of programs in the layer."""
    for path in _files(f"{layer}/usr"):
        if path.endswith(".pc") and "/pkgconfig/" in path:
            _substitute(path, _PREFIX, rb"\1" + layer.encode() + rb"\2")
    for folder in ("usr/bin", "usr/sbin", "usr/games"):
        for path in _files(f"{layer}/{folder}"):
            with open(path, "rb") as file:
                found = _SHEBANG.match(file.read(128))
            if found:
                name = found[2].decode()
                own = f"{layer}/usr/bin/{name}"
                if os.path.exists(own) and not os.path.exists(f"{system}/usr/bin/{name}"):
                    _substitute(path, _SHEBANG, b"#!" + own.encode())


def _files(folder: str) -> Iterator[str]:
    for directory, _, names in os.walk(folder):
        for name in sorted(names):
            path = f"{directory}/{name}"
            if not os.path.islink(path):
                yield path


def _substitute(path: str, pattern: re.Pattern[bytes], new: bytes) -> None:
    with open(path, "rb") as file:
        old = file.read()
    with open(path, "wb") as file:
        file.write(pattern.sub(new, old, count=0 if b"\\1" in new else 1))
