"""Explicit lists: `conda list --explicit`, `conda-lock render -k explicit`."""

from __future__ import annotations

from string import hexdigits

from rattler import BuildString, NoArchType, PackageRecord, RepoDataRecord
from rattler.exceptions import InvalidPackageNameError, InvalidUrlError, InvalidVersionError

from cnbkit import BuildContext, UserFault
from cnbkit_conda.address import is_address, split_login
from cnbkit_conda.choice import SUBDIRS
from cnbkit_conda.places import Places

__all__ = ["read_list"]

_MARK = "@EXPLICIT"
_ARCHIVES = (".conda", ".tar.bz2")
_REMEDY = "write it anew with `conda list --explicit --sha256` or `conda-lock render -k explicit`"


def read_list(ctx: BuildContext, file: str, places: Places) -> list[RepoDataRecord]:
    """The packages of a list: an address a line, its checksum after `#`.

    Raises:
        UserFault: naming every line that cannot be installed.
    """
    subdir = SUBDIRS.get(ctx.target.arch, "linux-64")
    faults: list[tuple[int, str]] = []
    records: list[RepoDataRecord] = []
    others: set[str] = set()
    marked = False
    for number, raw in enumerate(ctx.app.text(file).splitlines(), 1):
        line = raw.strip()
        if line == _MARK:
            marked = True
        if not line or line.startswith("#") or line == _MARK:
            continue
        url, _, digest = line.partition("#")
        ctx.hide(url) if split_login(url)[1] else None
        parts = url.rsplit("/", 2)
        bad = "://" not in url or not is_address(url) or len(parts) < 3
        if bad or not url.endswith(_ARCHIVES):
            faults.append((number, f"{url[:80]!r} is not an address of a conda package"))
        elif parts[1] not in (subdir, "noarch"):
            others.add(parts[1])
            if len(others) == 1:
                faults.append((number, f"packages for {parts[1]}, and this image is {subdir}"))
        elif not _is_sum(digest.removeprefix("sha256:")):
            faults.append((number, f"{digest!r} is neither an MD5 nor a SHA-256 sum"))
        else:
            try:
                records.append(_record(places.own(split_login(url)[0]), digest))
            except (ValueError, InvalidVersionError, InvalidPackageNameError, InvalidUrlError):
                name = url.rpartition("/")[2][:80]
                faults.append((number, f"{name!r} is not name-version-build of a conda package"))
    if not marked:
        faults.append((1, f"there is no line {_MARK}"))
    if faults:
        raise UserFault.of(file, faults, remedy=_REMEDY)
    unchecked = [record.name.normalized for record in records if not _checked(record)]
    if unchecked:
        ctx.log.warning(f"{file}: no checksum for {', '.join(unchecked)}")
    return records


def _is_sum(digest: str) -> bool:
    return len(digest) in (0, 32, 64) and all(char in hexdigits for char in digest)


def _checked(record: RepoDataRecord) -> bool:
    return bool(record.sha256 or record.md5)


def _record(url: str, digest: str) -> RepoDataRecord:
    channel, subdir, file = url.rsplit("/", 2)
    stem = file.removesuffix(".conda").removesuffix(".tar.bz2")
    name, version, build = stem.rsplit("-", 2)
    number = build.rpartition("_")[2]
    record = PackageRecord(
        name,
        version,
        BuildString(build),
        int(number) if number.isascii() and number.isdigit() and len(number) < 18 else 0,
        subdir,
        None,
        None,
        noarch=NoArchType("python") if subdir == "noarch" else None,
    )
    digest = digest.removeprefix("sha256:")
    if len(digest) == 64:
        record.sha256 = bytes.fromhex(digest)
    elif digest:
        record.md5 = bytes.fromhex(digest)
    return RepoDataRecord(record, file, url, f"{channel}/")
