"""What is missing, by the package that needs it, and how to mend that."""

from __future__ import annotations

import os

from cnbkit_debian_index import RELEASES, supplied
from cnbkit_elf.facts import ElfFile

__all__ = ["debian_packages", "report"]

# Packages that come without the need, too.
_INSTEAD = {
    "opencv-python": "opencv-python-headless",
    "opencv-contrib-python": "opencv-contrib-python-headless",
    "psycopg2": "psycopg2-binary",
    "psycopg": "psycopg[binary]",
}
_SHOWN = 12


def report(missing: dict[str, list[ElfFile]], release: str) -> str:
    """Lines to show; the first says what is wrong.

    Args:
        missing: names of libraries, and the files that need each.
        release: of Debian, which the image is made of.
    """
    here = debian_packages(set(missing), release)
    needs: dict[str, dict[str, None]] = {}
    for name, files in sorted(missing.items()):
        for file in files:
            needs.setdefault(file.owner or _short(file.path), {})[name] = None
    count = f"{len(missing)} libraries are" if len(missing) > 1 else "a library is"
    lines = [f"{count} needed, but not in the image: what needs them will fail when it starts"]
    lines[0] = lines[0] if len(missing) > 1 else lines[0].replace("needs them", "needs it")
    for owner, names in sorted(needs.items())[:_SHOWN]:
        debs = list(dict.fromkeys(here[name] for name in names if name in here))
        line = f"{owner} needs {', '.join(names)}"
        ways = [f"add {' and '.join(f'`{each}`' for each in debs)} to Aptfile"] if debs else []
        if owner in _INSTEAD:
            ways.append(f"use {_INSTEAD[owner]}")
        unknown = [name for name in names if name not in here]
        if unknown:
            ways.append(_not_here(unknown, release))
        lines.append(f"{line}: {', or '.join(ways)}")
    if len(needs) > _SHOWN:
        lines.append(f"and {len(needs) - _SHOWN} more")
    return "\n".join(lines)


def debian_packages(libraries: set[str], release: str) -> dict[str, str]:
    """The Debian package that supplies each library, of those the release has."""
    path = os.path.join(os.path.dirname(__file__), "debian.txt.xz")
    return supplied(path, libraries, release)


def _not_here(libraries: list[str], release: str) -> str:
    """Who has libraries that the release does not have."""
    told = f"Debian {release} has no package with {', '.join(libraries)}"
    for other in RELEASES:
        if other != release and (found := debian_packages({*libraries}, other)):
            debs = " and ".join(f"`{each}`" for each in dict.fromkeys(sorted(found.values())))
            told += f"; Debian {other} has {debs}"
    return told


def _short(path: str) -> str:
    """A path below the layers' folder."""
    return path.removeprefix("/layers/")
