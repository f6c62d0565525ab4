"""Requirements files, as far as their lines name packages."""

from __future__ import annotations

import os

from cnbkit_locked.entries import normalised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit.app import App

__all__ = ["file_with", "requirement", "requirements", "text_of"]

_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
# Read by themselves, or for people who work on the app.
_KNOWN = ("requirements.txt", "requirements.in")
_NOT_FOR_IMAGES = ("dev", "test", "doc", "lint", "local", "ci", "build", "constraint")
_FIRST = ("prod", "production", "deploy", "requirements", "base", "main", "common")
_MOST = 30


def text_of(app: App, name: str) -> str:
    """A file's text, whatever its encoding: who installs by it says what is wrong with that."""
    data = app.bytes(name)
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    return data.decode("utf-16" if wide else "utf-8-sig", "replace")


def requirements(app: App, file: str, names: set[str], seen: set[str]) -> None:
    """Add what a file names, and those that it includes.

    Args:
        app: the app.
        file: relative to its root.
        names: get the packages, an extra also as `name[extra]`.
        seen: files that were read.
    """
    seen.add(file)
    for raw in text_of(app, file).splitlines():
        line = raw.strip()
        for option in ("--requirement", "-r"):
            if line.startswith(option):
                other = line.removeprefix(option).lstrip(" =").partition(" #")[0].strip()
                folder = file.rpartition("/")[0]
                path = f"{folder}/{other}" if folder else other
                # A missing one is for the buildpack that installs to tell.
                if path not in seen and app.has(path):
                    requirements(app, path, names, seen)
                break
        else:
            names |= requirement(line)


def requirement(text: str) -> set[str]:
    """`name` and `name[extra]` of a requirement; nothing of anything else."""
    end = 0
    while end < len(text) and text[end] in _WORD:
        end += 1
    name = normalised(text[:end])
    if not name or name[0] == "-":
        return set()
    rest = text[end:].lstrip()
    extras = rest[1:].partition("]")[0].split(",") if rest.startswith("[") else []
    return {name, *(f"{name}[{normalised(extra.strip())}]" for extra in extras)}


def file_with(app: App, package: str) -> str:
    """A requirements file that no tool reads by itself, and that names a package; else empty.

    Of several the one for production; not those for tests and the like.
    """
    found = []
    for name in _others(app.root):
        names: set[str] = set()
        requirements(app, name, names, set())
        if normalised(package) in names:
            found.append(name)
    return min(found, key=_order, default="")


def _order(name: str) -> tuple[int, bool, str]:
    words = _words(name)
    first = next((at for at, each in enumerate(_FIRST) if each in words), len(_FIRST))
    # What was compiled of another file has all versions.
    return first, name.endswith(".in"), name


def _words(name: str) -> set[str]:
    plain = name.rpartition("/")[2].removesuffix(".txt").removesuffix(".in")
    return {*plain.replace("-", "_").replace(".", "_").lower().split("_")}


def _others(root: str) -> list[str]:
    """Files in the root and in its folders, but those that are read anyway."""
    found = []
    for folder in ("", *_listed(root)):
        inside = "requirement" in folder.lower()
        for each in _listed(f"{root}/{folder}"):
            named = inside or "requirement" in each.lower()
            known = not folder and each in _KNOWN
            if named and not known and each.endswith((".txt", ".in")):
                found.append(f"{folder}/{each}".lstrip("/"))
    fitting = [name for name in found if not _words(name) & {*_NOT_FOR_IMAGES}]
    return fitting[:_MOST]


def _listed(folder: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError:
        return []
