"""Hashes that requirements declare: every one is checked, whatever kind of requirement it is for.

As pip has it: one `--hash` is enough to ask for hashes of all packages; SHA-256, SHA-384 and
SHA-512 count. An index mostly knows SHA-256 sums only: what is declared otherwise is compared with
the file itself.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any

from cnbkit import PlatformFault, UserFault
from cnbkit_indexes.ask import ask
from cnbkit_logins.address import split_login
from cnbkit_pip.resolution.pins import lacks_address
from cnbkit_python_inputs.package import Package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_indexes.sources import Sources
    from cnbkit_pip.engines.engine import Wanted

__all__ = ["restricted", "verified"]

_STRONG = ("sha256", "sha384", "sha512")
# What may stand in an address; a weaker one is compared as well.
_KNOWN = (*_STRONG, "sha1", "md5", "sha224")
# What a file may take that is fetched to be compared; where its size is known, that counts.
_SECONDS, _LARGEST = 3600, 16_000_000_000


def restricted(document: dict[str, Any], wanted: Wanted) -> dict[str, Any]:
    """A lock with only those files that may have an allowed hash.

    Args:
        document: of what was resolved.
        wanted: what the user wrote.

    Raises:
        UserFault: a package has no hash though others have, or no file of it may have one.
    """
    allowed = wanted.allowed_hashes()
    if not allowed and not wanted.all_hashed:
        return document
    _check_kinds(allowed, wanted)
    return {
        **document,
        "packages": [_restricted(entry, allowed, wanted) for entry in document["packages"]],
    }


def _restricted(
    entry: dict[str, Any], allowed: dict[str, set[str]], wanted: Wanted
) -> dict[str, Any]:
    package = Package(entry)
    place = _place(entry)
    hashes = allowed.get(package.name) or allowed.get(place) or set()
    where = wanted.where_place(place) if place else wanted.where(package.name)
    if not hashes:
        if wanted.all_hashed:
            raise _without_hash(package, where)
        return entry
    if package.directory or "vcs" in entry:
        raise _without_hash(package, where)
    if lacks_address(entry):
        known = {each for file in package.artifacts() for each in _sums(file)}
        comparable = known and all(each.startswith("sha256:") for each in hashes | known)
        if comparable and hashes.isdisjoint(known):
            raise _mismatch(package, where)
        # pip fetches it by these.
        split = (each.partition(":") for each in sorted(hashes))
        files = [{"name": digest, "hashes": {kind: digest}} for kind, _, digest in split]
        return {**{k: v for k, v in entry.items() if k != "sdist"}, "wheels": files}
    narrowed = package.restricted_to(hashes)
    if narrowed.artifacts():
        return narrowed.entry
    kinds = {each.partition(":")[0] for each in hashes}
    unknown = [each for each in package.artifacts() if kinds.isdisjoint(each.get("hashes", {}))]
    if not unknown:
        raise _mismatch(package, where)
    return entry


def verified(
    packages: list[Package], wanted: Wanted, sources: Sources, folder: str
) -> list[Package]:
    """The packages; files whose declared hashes only the file itself can prove are fetched.

    Args:
        packages: each with the one file it is installed from.
        wanted: what the user wrote.
        sources: have the logins.
        folder: for the files.

    Raises:
        UserFault: a file has another hash.
        PlatformFault: a file cannot be fetched.
    """
    allowed = wanted.allowed_hashes()
    return [_verified(each, allowed, wanted, sources, folder) for each in packages]


def _verified(
    package: Package,
    allowed: dict[str, set[str]],
    wanted: Wanted,
    sources: Sources,
    folder: str,
) -> Package:
    place = _place(package.entry)
    hashes = allowed.get(package.name) or allowed.get(place) or set()
    files = package.artifacts()
    if not hashes or not files or package.restricted_to(hashes).artifacts():
        return package
    where = wanted.where_place(place) if place else wanted.where(package.name)
    kinds = {each.partition(":")[0] for each in hashes}
    [file, *_] = files
    if not kinds.isdisjoint(file.get("hashes", {})):
        raise _mismatch(package, where)
    path = _fetched(file, sources, folder)
    sums = {kind: _sum(path, kind) for kind in kinds}
    if hashes.isdisjoint({f"{kind}:{digest}" for kind, digest in sums.items()}):
        raise _mismatch(package, where)
    kept = {key: value for key, value in file.items() if key not in ("url", "path")}
    checked = {**kept, "path": path, "hashes": {"sha256": _sum(path, "sha256")}}
    kind = next(each for each in ("wheels", "sdist", "archive") if each in package.entry)
    return Package({**package.entry, kind: [checked] if kind == "wheels" else checked})


def _check_kinds(allowed: dict[str, set[str]], wanted: Wanted) -> None:
    for name, hashes in allowed.items():
        weak = sorted({kind for each in hashes if (kind := each.partition(":")[0]) not in _KNOWN})
        if wanted.all_hashed and not any(each.startswith(_STRONG) for each in hashes):
            weak = sorted({each.partition(":")[0] for each in hashes})
        if weak:
            raise UserFault(
                f"{', '.join(weak)} is not a hash that counts",
                where=wanted.where_place(name) if "/" in name else wanted.where(name),
                remedy="write --hash=sha256:…, sha384 or sha512, as pip has it; `uv pip compile "
                "--generate-hashes` does",
            )


def _without_hash(package: Package, where: str) -> UserFault:
    if package.directory or "vcs" in package.entry:
        kind = "a folder" if package.directory else "a repository"
        return UserFault(
            f"{package.name} is {kind}, which no hash can vouch for, but other requirements have "
            "a --hash",
            where=where,
            remedy="name a built wheel of it with its hash, or leave the hashes out",
        )
    return UserFault(
        f"{package.name} {package.version} has no --hash, but other requirements have",
        where=where,
        remedy="give every package its hashes, as `uv pip compile --generate-hashes` does, or none",
    )


def _mismatch(package: Package, where: str) -> UserFault:
    if "archive" in package.entry:
        return UserFault(
            f"the file of {package.name} has another hash than the requirement says",
            where=where,
            remedy="correct the hash if the new file is wanted; if nothing was changed on purpose, "
            "the file may have been tampered with",
        )
    return UserFault(
        f"no file of {package.name} {package.version} in the index has an allowed hash",
        where=where,
        remedy="lock again if the new files are wanted; if nothing was changed on "
        "purpose, the index may have been tampered with",
    )


def _place(entry: dict[str, Any]) -> str:
    """What `Requirements.place` calls the file or folder of an entry; empty for an index's."""
    for kind in ("archive", "directory"):
        source = entry.get(kind, {})
        if path := str(source.get("path", "")):
            return path
        if url := str(source.get("url", "")):
            from urllib.parse import unquote

            bare = split_login(url.partition("#")[0])[0]
            return unquote(bare.removeprefix("file://")) if bare.startswith("file://") else bare
    return ""


def _fetched(file: dict[str, Any], sources: Sources, folder: str) -> str:
    if path := str(file.get("path", "")):
        return path
    url = str(file["url"])
    if url.startswith("file://"):
        from urllib.parse import unquote

        return unquote(url.removeprefix("file://").partition("#")[0])
    login = sources.credentials_for(url)
    bare = split_login(url)[0].partition("#")[0]
    os.makedirs(folder, exist_ok=True)
    path = f"{folder}/{os.path.basename(bare)}"
    try:
        ask(
            bare,
            login=login,
            seconds=_SECONDS,
            longest=int(file.get("size") or 0) or _LARGEST,
            certificates=sources.certificates(),
            into=path,
        )
    except OSError as error:
        raise PlatformFault(
            f"{os.path.basename(bare)} cannot be fetched to compare its hash: {error}",
            where=bare,
            remedy="see whether the index answers, and build again",
        ) from None
    return path


def _sums(file: dict[str, Any]) -> set[str]:
    return {f"{kind}:{digest}" for kind, digest in file.get("hashes", {}).items()}


def _sum(path: str, kind: str) -> str:
    total = hashlib.new(kind, usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()
