"""Which commit an app is built from: what git's own files say, read without starting git.

The lifecycle is not given `.git`, and starting git takes longer than all that is read here.
gitrepository-layout(5), gitformat-index(5).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["git_env"]

REVISION, SOURCE = "BP_OCI_REVISION", "BP_OCI_SOURCE"
VERSION, MODIFIED = "BP_OCI_VERSION", "BP_OCI_MODIFIED"

_HEX = frozenset("0123456789abcdef")
# Reading on would take longer than it is worth; such a checkout is not looked through.
_MAX_INDEX = 2 << 20
_MAX_TAGS = 200
# Upper bits of modes.
_REGULAR, _SUBMODULE = 0o10, 0o16


def git_env(app: Path) -> dict[str, str]:
    """Build-time variables that say what is built, for the labels of the image.

    Args:
        app: the app's folder.

    Returns:
        `BP_OCI_REVISION`, the commit; `BP_OCI_SOURCE`, the address of the remote without any login;
        `BP_OCI_VERSION`, the tag of that commit; `BP_OCI_MODIFIED=true`, if tracked files
        differ from it. Nothing at all where the app is not part of a checkout.
    """
    root = os.path.realpath(app)
    top = _top(root)
    if not top:
        return {}
    try:
        git = _git_folder(top)
        common = _common_folder(git)
        commit = _commit(git, common)
        modified = _modified(git, top, os.path.relpath(root, top)) if commit else None
    except (OSError, ValueError, IndexError):  # a file that git would not have written
        return {}
    if modified is None:
        return {}
    found = {
        REVISION: commit,
        SOURCE: _origin(common),
        VERSION: _tag(common, commit),
        MODIFIED: "true" if modified else "",
    }
    return {name: value for name, value in found.items() if value}


def _top(folder: str) -> str:
    """The checkout's root; empty if there is none."""
    while not os.path.exists(f"{folder}/.git"):
        above = os.path.dirname(folder)
        if above == folder:
            return ""
        folder = above
    return folder


def _git_folder(top: str) -> str:
    path = f"{top}/.git"
    if os.path.isdir(path):
        return path
    # Of a worktree, or of a submodule.
    return os.path.join(top, _text(path).removeprefix("gitdir:").strip())


def _common_folder(git: str) -> str:
    """Where refs and config are: all worktrees share them."""
    try:
        return os.path.join(git, _text(f"{git}/commondir").strip())
    except OSError:
        return git


def _commit(git: str, common: str) -> str:
    head = _text(f"{git}/HEAD").strip()
    ref = head.removeprefix("ref:").strip()
    if ref == head:
        return _id(head)
    if not ref.startswith("refs/") or ".." in ref.split("/"):
        return ""
    for folder in (git, common):
        try:
            return _id(_text(f"{folder}/{ref}").strip())
        except OSError:
            continue
    return next((commit for commit, name, _ in _packed(common, ref) if name == ref), "")


def _packed(common: str, word: str) -> Iterator[tuple[str, str, str]]:
    """Commit, name and, of annotated tags, the commit meant, where a word stands in an entry."""
    try:
        text = _text(f"{common}/packed-refs")
    except OSError:
        return
    if word not in text:
        return
    lines = text.splitlines()
    for at, line in enumerate(lines):
        commit, _, name = line.partition(" ")
        behind = lines[at + 1] if at + 1 < len(lines) else ""
        peeled = behind[1:] if behind.startswith("^") else ""
        if word in (name, commit, peeled) and not line.startswith(("#", "^")):
            yield commit, name, peeled


def _tag(common: str, commit: str) -> str:
    """The commit's tag; of several the one that is a version; empty if nothing decides."""
    names = {name for _, name, _ in _packed(common, commit)}
    tags = {name.removeprefix("refs/tags/") for name in names if name.startswith("refs/tags/")}
    folder = f"{common}/refs/tags"
    loose = os.listdir(folder) if os.path.isdir(folder) else []
    for name in loose if len(loose) <= _MAX_TAGS else []:
        if os.path.isfile(f"{folder}/{name}"):
            found = _id(_text(f"{folder}/{name}").strip())
            tags.discard(name)
            if found == commit or _tagged(common, found) == commit:
                tags.add(name)
    versions = {name for name in tags if name.removeprefix("v")[:1].isdigit()}
    [name] = versions if len(versions) == 1 else tags if len(tags) == 1 else [""]
    return name


def _tagged(common: str, tag: str) -> str:
    """What an annotated tag is of, if its object lies in a file of its own."""
    import zlib

    try:
        with open(f"{common}/objects/{tag[:2]}/{tag[2:]}", "rb") as file:
            data = zlib.decompressobj().decompress(file.read(4096), 200)
    except (OSError, zlib.error):
        return ""
    kind, _, rest = data.partition(b"\0")
    line = rest.partition(b"\n")[0].decode(errors="replace")
    return _id(line.removeprefix("object ")) if kind.startswith(b"tag ") else ""


def _origin(common: str) -> str:
    """The address of the remote `origin`, without login and query; empty if there is none."""
    try:
        lines = _text(f"{common}/config").splitlines()
    except OSError:
        return ""
    inside = False
    for raw in lines:
        line = raw.strip()
        if line.startswith("["):
            inside = line.replace(" ", "") == '[remote"origin"]'
            continue
        name, sign, value = line.partition("=")
        if inside and sign and name.strip() == "url":
            scheme, found, rest = value.strip().strip('"').partition("://")
            if not found:
                return scheme
            host, slash, path = rest.partition("?")[0].partition("#")[0].partition("/")
            return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
    return ""


def _modified(git: str, top: str, inside: str) -> bool | None:
    """Whether files of a folder differ from the commit; None if none of them is tracked.

    Untracked files do not count, as for `git describe --dirty`.
    """
    index = f"{git}/index"
    prefix = b"" if inside == "." else os.fsencode(inside) + b"/"
    changed = os.stat(index)
    with open(index, "rb") as file:
        data = file.read() if changed.st_size <= _MAX_INDEX else b""
    if not data:
        return False
    tracked = False
    version = int.from_bytes(data[4:8], "big")
    if data[:4] != b"DIRC" or version not in (2, 3):
        return False if prefix in data else None
    at = 12
    for _ in range(int.from_bytes(data[8:12], "big")):
        flags = int.from_bytes(data[at + 60 : at + 62], "big")
        long = bool(flags & 0x4000)
        begin = at + (64 if long else 62)
        end = data.index(b"\0", begin)
        name = data[begin:end]
        if name.startswith(prefix):
            tracked = True
            skipped = flags & 0x8000 or (long and data[at + 62] & 0x40)  # assume-valid, sparse
            path = os.fsencode(f"{top}/") + name
            if not skipped and _differs(data[at : at + 60], path, changed):
                return True
        at += (end - at + 8) & ~7
    if not tracked:
        return None
    # `git add` takes back what the index knows of the commit's tree; `git commit` writes it again.
    known = data[at:].startswith(b"TREE") and not data[at + 8 :].startswith(b"\0-1")
    return not known


def _differs(entry: bytes, path: bytes, index: os.stat_result) -> bool:
    mode = int.from_bytes(entry[24:28], "big")
    if mode >> 12 == _SUBMODULE:
        return False
    try:
        now = os.lstat(path)
    except OSError:
        return True
    kind = now.st_mode >> 12
    if kind != mode >> 12 or (kind == _REGULAR and (now.st_mode ^ mode) & 0o100):
        return True
    written = int.from_bytes(entry[8:12], "big"), int.from_bytes(entry[12:16], "big")
    found = int(now.st_mtime_ns // 10**9) & 0xFFFFFFFF, now.st_mtime_ns % 10**9
    same_size = now.st_size & 0xFFFFFFFF == int.from_bytes(entry[36:40], "big")
    # A file changed in the instant in which the index was written looks the same.
    if same_size and written == found and now.st_mtime_ns < index.st_mtime_ns:
        return False
    return _blob(path, now) != entry[40:60]


def _blob(path: bytes, now: os.stat_result) -> bytes:
    import hashlib
    import stat

    if stat.S_ISLNK(now.st_mode):
        data = os.readlink(path)
    else:
        with open(path, "rb") as file:
            data = file.read()
    header = b"blob %d\0" % len(data)
    return hashlib.sha1(header + data, usedforsecurity=False).digest()


def _id(text: str) -> str:
    return text if len(text) == 40 and _HEX.issuperset(text) else ""


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
