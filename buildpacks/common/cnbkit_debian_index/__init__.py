"""Which Debian package supplies a file, by an index that tools/debian-libraries made."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["RELEASES", "release_of", "supplied"]

RELEASES = ("12", "13")
"""Of Debian, which the index knows."""

_BOTH = "-"
# Ubuntu's names are those of the Debian that it was made of: since 24.04 with `t64`.
_AS_OLD_AS = {"ubuntu": "24", "debian": "13"}


def release_of(system: str = "") -> str:
    """The release whose names are the system's: `12` for an older one, `13` for a newer one.

    A build image and a run image are of one release, so the one that asks tells of both.

    Args:
        system: where its root is.
    """
    try:
        with open(f"{system}/etc/os-release", encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return RELEASES[-1]
    told = {name: value.strip("\"'") for name, _, value in (line.partition("=") for line in lines)}
    major = told.get("VERSION_ID", "").partition(".")[0]
    first = _AS_OLD_AS.get(told.get("ID", ""), "")
    older = first and major.isdigit() and int(major) < int(first)
    return RELEASES[0] if older else RELEASES[-1]


def supplied(index: str, names: Iterable[str], release: str) -> dict[str, str]:
    """The package for each of the names that the release has one for.

    Args:
        index: path of the file.
        names: as they stand in it.
        release: one of `RELEASES`.
    """
    import lzma

    wanted = {*names}
    found = {}
    with lzma.open(index, "rt", encoding="utf-8") as file:
        for line in file:
            which, package, *files = line.split()
            if which in (_BOTH, release):
                found.update(dict.fromkeys(wanted.intersection(files), package))
    return found
