"""What is done to a root file system as its own root; runs in a sandbox, from the build image.

    python3 -c TEXT unpack              add a layer, a tar on stdin, to /mnt
    python3 -c TEXT note                print what is in /mnt, for `changes`
    python3 -c TEXT changes             write what is not as noted (on stdin) as a tar to stdout
    python3 -c TEXT lend                put files of a tar where there are none; print which
    python3 -c TEXT take-back           remove what was lent and is as it was
    python3 -c TEXT user NAME           print uid, gid and home of a user of /mnt
    python3 -c TEXT folder PATH         make a folder in /mnt
    python3 -c TEXT copy TO OWNER MODE  put a tar on stdin below /mnt/TO
    python3 -c TEXT empty               remove all in /mnt
    python3 -c TEXT one-owner           give all in /mnt to root: a root file system to build in

Only the standard library may be imported. Links in /mnt are never followed out of it: the sandbox
has no other files of the host, and what could be reached is its own.
"""

from __future__ import annotations

import json
import os
import posixpath
import shutil
import stat
import sys
import tarfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

TOP = "/mnt"
# What the platform mounts or writes for a command, and the buildpacks' places.
_IGNORED = {
    *("dev", "proc", "sys", "run", "var/run", "workspace", "layers", "platform", "cnb"),
    *("etc/hosts", "etc/resolv.conf", "etc/hostname"),
}


# Owners and all: newer versions would leave some out, older ones do not know the name.
tarfile.TarFile.extraction_filter = staticmethod(lambda member, _path: member)


def _walk() -> Iterator[tuple[str, os.stat_result]]:
    todo = [""]
    while todo:
        folder = todo.pop()
        for name in sorted(os.listdir(f"{TOP}/{folder}")):
            path = f"{folder}/{name}".lstrip("/")
            if path in _IGNORED:
                continue
            told = os.lstat(f"{TOP}/{path}")
            yield path, told
            if stat.S_ISDIR(told.st_mode):
                todo.append(path)


def _state(path: str, told: os.stat_result) -> list[Any]:
    owner = [told.st_mode, told.st_uid, told.st_gid]
    if stat.S_ISDIR(told.st_mode):
        return owner
    if stat.S_ISLNK(told.st_mode):
        return [*owner, os.readlink(f"{TOP}/{path}")]
    return [*owner, told.st_size, told.st_mtime_ns, told.st_ctime_ns, told.st_ino]


def note() -> None:
    """Print the state of everything."""
    json.dump({path: _state(path, told) for path, told in _walk()}, sys.stdout)


def changes() -> None:
    """Write a layer: what is new or different, and whiteouts of what is gone."""
    before = json.load(sys.stdin)
    now = {path: _state(path, told) for path, told in _walk()}
    gone = sorted(path for path in before if path not in now)
    removed: set[str] = set()
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(now):
            if now[path] != before.get(path) or _replaced(before.get(path), now[path]):
                entry = tar.gettarinfo(f"{TOP}/{path}", path)
                entry.uname = entry.gname = ""
                if "security.capability" in os.listxattr(f"{TOP}/{path}", follow_symlinks=False):
                    data = os.getxattr(f"{TOP}/{path}", "security.capability")
                    key = "SCHILY.xattr.security.capability"
                    entry.pax_headers = {key: data.decode(errors="surrogateescape")}
                if entry.isreg():
                    with open(f"{TOP}/{path}", "rb") as file:
                        tar.addfile(entry, file)
                else:
                    tar.addfile(entry)
        for path in gone:
            parent, _, name = path.rpartition("/")
            if parent in removed or any(parent.startswith(f"{each}/") for each in removed):
                continue
            removed.add(path)
            if parent and parent not in now:
                continue
            entry = tarfile.TarInfo(f"{parent}/.wh.{name}".lstrip("/"))
            entry.mode = 0o644
            tar.addfile(entry)


def _replaced(before: list[Any] | None, now: list[Any]) -> bool:
    return before is not None and stat.S_IFMT(before[0]) != stat.S_IFMT(now[0])


def unpack() -> None:
    """Add a layer with its owners; whiteouts take away what is below."""
    os.umask(0)
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as tar:
        for entry in tar:
            entry.name = entry.name.removeprefix("./").strip("/")
            folder, _, name = entry.name.rpartition("/")
            if name == ".wh..wh..opq":
                for each in os.listdir(f"{TOP}/{folder}"):
                    _remove(f"{TOP}/{folder}/{each}")
                continue
            if name.startswith(".wh."):
                _remove(f"{TOP}/{folder}/{name.removeprefix('.wh.')}")
                continue
            if entry.isdev() or entry.isfifo() or entry.name in ("", "."):
                continue
            place = f"{TOP}/{entry.name}"
            if os.path.lexists(place) and not (entry.isdir() and os.path.isdir(place)):
                _remove(place)
            entry.uname = entry.gname = ""
            if entry.islnk():
                entry.linkname = entry.linkname.removeprefix("./")
            tar.extract(entry, TOP, numeric_owner=True)


def _lists() -> dict[str, list[Any]]:
    """Debian's lists of packages' files, and their states."""
    folder = f"{TOP}/var/lib/dpkg/info"
    names = os.listdir(folder) if os.path.isdir(folder) else []
    paths = [f"{folder}/{name}" for name in names if name.endswith(".list")]
    return {path: _state(path, os.lstat(path)) for path in paths}


def _merged(path: str) -> str:
    """Where a file lies in a merged /usr."""
    return f"usr/{path}" if path.partition("/")[0] in ("bin", "lib", "lib64", "sbin") else path


def lend() -> None:
    """Put files of a tar where nothing is, and print their names with their states."""
    lent: dict[str, list[Any]] = {}
    lists = _lists()
    os.umask(0)
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as tar:
        for entry in tar:
            entry.name = entry.name.removeprefix("./").strip("/")
            place = f"{TOP}/{entry.name}"
            # What is below a link lies elsewhere, and is there already.
            if os.path.lexists(place) or (os.path.realpath(place) != place and not entry.issym()):
                continue
            if entry.isdev() or entry.isfifo() or not entry.name:
                continue
            if entry.islnk():
                entry.linkname = entry.linkname.removeprefix("./")
                if not os.path.exists(f"{TOP}/{entry.linkname}"):
                    continue
            entry.uname = entry.gname = ""
            tar.extract(entry, TOP, numeric_owner=True)
            lent[entry.name] = []
    for name in lent:
        lent[name] = _state(name, os.lstat(f"{TOP}/{name}"))
    json.dump({"files": lent, "lists": lists}, sys.stdout)


def take_back() -> None:
    """Remove what was lent, unless a command has made it its own.

    A link that a package has brought looks like the one that was lent, so packages that are there
    since then say which files are theirs.
    """
    told_before = json.load(sys.stdin)
    lent = told_before["files"]
    owned: set[str] = set()
    for path, state in _lists().items():
        if state != told_before["lists"].get(path):
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                owned.update(_merged(line.strip().lstrip("/.")) for line in file)
    for name in sorted(lent, reverse=True):
        place = f"{TOP}/{name}"
        if not os.path.lexists(place) or _merged(name) in owned:
            continue
        told = os.lstat(place)
        if stat.S_ISDIR(told.st_mode):
            if not os.listdir(place):
                os.rmdir(place)
        elif _state(name, told) == lent[name]:
            os.unlink(place)


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def user(name: str) -> None:
    """Print uid, gid and home of `name|uid[:group|gid]`."""
    who, _, group = name.partition(":")
    uid, gid, home = (int(who), 0, "/") if who.isdigit() else (-1, 0, "/")
    for fields in _database("passwd"):
        if len(fields) == 7 and who in (fields[0], fields[2]):
            uid, gid, home = int(fields[2]), int(fields[3]), fields[5] or "/"
            break
    if group:
        gid = int(group) if group.isdigit() else -1
        for fields in _database("group"):
            if len(fields) == 4 and group == fields[0]:
                gid = int(fields[2])
                break
    print(json.dumps([uid, gid, home]))


def _database(name: str) -> list[list[str]]:
    try:
        with open(f"{TOP}/etc/{name}", encoding="utf-8", errors="replace") as file:
            return [line.rstrip("\n").split(":") for line in file]
    except OSError:
        return []


def folder(path: str) -> None:
    """Make a folder."""
    os.makedirs(f"{TOP}/{posixpath.normpath(path).lstrip('/')}", exist_ok=True)


def copy(name: str, owner: str, mode: str) -> None:
    """Unpack files that were copied from a context; a file has a name in a folder of its path.

    Folders that this makes are the owner's too and, without a mode for all, 0755: as the
    lifecycle's extender has them.
    """
    uid, _, gid = owner.partition(":")
    ids = (int(uid), int(gid or uid))
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as tar:
        for entry in tar:
            _folders(posixpath.dirname(entry.name), ids, 0o755)
            path = posixpath.normpath(entry.name)
            if entry.isdir():
                _folders(path, ids, int(mode, 8) if mode else 0o755)
                continue
            if os.path.isdir(f"{TOP}/{path}"):
                path = f"{path}/{name}"
            entry.name = path
            entry.uid, entry.gid = ids
            entry.uname = entry.gname = ""
            entry.mode = int(mode, 8) if mode else entry.mode
            tar.extract(entry, TOP, numeric_owner=True)


def _folders(path: str, ids: tuple[int, int], mode: int) -> None:
    """Make a folder and those above it, as far as they are not there."""
    place = TOP
    for part in filter(None, path.split("/")):
        place = f"{place}/{part}"
        if not os.path.isdir(place):
            os.mkdir(place)
            os.chmod(place, mode)
            os.chown(place, *ids)


def empty() -> None:
    """Remove all in /mnt, whose owners the one who made it may not be able to."""
    for name in os.listdir(TOP):
        path = f"{TOP}/{name}"
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)


def one_owner() -> None:
    """No other owner, no program that changes who it is, everything readable by its owner."""
    for path, told in [("", os.lstat(TOP)), *_walk()]:
        place = f"{TOP}/{path}"
        os.lchown(place, 0, 0)
        if not stat.S_ISLNK(told.st_mode):
            more = 0o700 if stat.S_ISDIR(told.st_mode) else 0o600
            os.chmod(place, stat.S_IMODE(told.st_mode) & 0o1777 | more)


def main(command: str, *arguments: str) -> None:
    """Do what is asked."""
    commands: dict[str, Any] = {
        "unpack": unpack,
        "note": note,
        "changes": changes,
        "user": user,
        "folder": folder,
        "copy": copy,
        "one-owner": one_owner,
        "empty": empty,
        "lend": lend,
        "take-back": take_back,
    }
    commands[command](*arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
