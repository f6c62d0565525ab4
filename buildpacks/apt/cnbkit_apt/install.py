"""Unpack packages into a layer and make up for what their scripts would have done."""

from __future__ import annotations

import os
import re
import shutil
import stat
import threading
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from cnbkit import BuildContext, CommandFailed, OpenLayer, PlatformFault
from cnbkit_apt.alternatives import link_alternatives
from cnbkit_apt.configure import configure, unready
from cnbkit_apt.environment import provide
from cnbkit_apt.layout import Layout, merged
from cnbkit_apt.relocate import relocate
from cnbkit_apt.report import report
from cnbkit_limits import Limits

__all__ = ["install"]

_AT_ONCE = 4
# As in the base images: nobody reads them there. Licences stay.
_LEFT_OUT = re.compile(
    r"usr/share/(doc/(?!.*/copyright$|[^/]*$)|doc-base/|man/|info/|locale/|lintian/|bug/|gdb/|bash-completion/)"
)


def install(
    ctx: BuildContext,
    debs: list[str],
    layer: OpenLayer,
    system: str,
    status: str,
    asked: Collection[str],
    limits: Limits,
) -> None:
    """Fill a layer.

    Args:
        ctx: the build.
        debs: paths of the packages' files.
        layer: a layer to be filled.
        system: where the build image's own files are; empty for `/`.
        status: dpkg's database of what the image below the layer has.
        asked: names of the packages that the app declares.
        limits: what they may take, unpacked.

    Raises:
        PlatformFault: a file cannot be unpacked, or the disk is full.
    """
    folder = f"{ctx.scratch}/unpacked"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    with limits.watched(folder) as until, ThreadPoolExecutor(_AT_ONCE) as pool:
        numbers = range(len(debs))
        list(pool.map(lambda at: _extract(ctx, debs[at], f"{folder}/{at}", until), numbers))
    links: dict[str, str] = {}
    wanted: set[str] = set()
    scripts = {}
    for number, deb in enumerate(debs):
        name = os.path.basename(deb).partition("_")[0]
        files = _merge(f"{folder}/{number}/data", layer.directory, links)
        if name in asked:
            wanted.update(files)
        scripts[name] = _script(f"{folder}/{number}/control/postinst")
    _make_links(layer.directory, links)
    shutil.rmtree(folder)
    link_alternatives(layer.directory, scripts.values())
    _link_copies(layer.directory)
    layout = Layout(layer.directory, ctx.target.arch, system, status)
    configure(ctx, layer, layout, system)
    left = relocate(layout, provide(layer, layout))
    report(ctx, layout, left, unready(scripts), wanted)


def _extract(ctx: BuildContext, deb: str, folder: str, until: threading.Event) -> None:
    os.mkdir(folder)
    try:
        ctx.run("dpkg-deb", "--extract", deb, f"{folder}/data", quiet=True, until=until)
        ctx.run("dpkg-deb", "--control", deb, f"{folder}/control", quiet=True, until=until)
    except CommandFailed as failed:
        raise PlatformFault(
            f"cannot unpack {os.path.basename(deb)}",
            where=deb,
            remedy="free some space, or build again if the file is damaged",
            detail=failed.shown,
        ) from None


def _script(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _merge(data: str, layer: str, links: dict[str, str]) -> list[str]:
    """Move a package's files into the layer; its links are only noted, under their new place.

    Returns:
        The files, where they are in the layer.
    """
    moved = []
    for directory, names, files in os.walk(data):
        os.chmod(directory, stat.S_IMODE(os.stat(directory).st_mode) & 0o1777 | 0o755)
        inside = os.path.relpath(directory, data)
        for name in sorted(names + files):
            path = name if inside == "." else f"{inside}/{name}"
            source, place = f"{data}/{path}", merged(path)
            if _LEFT_OUT.match(place):
                continue
            if os.path.islink(source):
                target = os.path.join("/", os.path.dirname(path), os.readlink(source))
                links[place] = merged(os.path.normpath(target).lstrip("/"))
            elif not os.path.isdir(source):
                links.pop(place, None)
                os.makedirs(os.path.dirname(f"{layer}/{place}"), exist_ok=True)
                mode = stat.S_IMODE(os.stat(source).st_mode)
                # Nobody in the image is to become somebody else, and the app can read all.
                os.chmod(source, mode & 0o777 | 0o644)
                os.replace(source, f"{layer}/{place}")
                moved.append(place)
        names[:] = [name for name in names if not os.path.islink(f"{directory}/{name}")]
    return moved


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


def _link_copies(layer: str) -> None:
    """Names of one file become links to the first of them.

    The lifecycle archives a hard link as one more copy: Mesa alone has thirteen names for a file
    of 25 MB.
    """
    first: dict[int, str] = {}
    for directory, folders, names in os.walk(layer):
        folders.sort()
        for name in sorted(names):
            path = f"{directory}/{name}"
            told = os.lstat(path)
            if told.st_nlink > 1 and stat.S_ISREG(told.st_mode):
                other = first.setdefault(told.st_ino, path)
                if other != path:
                    os.unlink(path)
                    os.symlink(os.path.relpath(other, directory), path)
