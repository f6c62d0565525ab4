"""What is missing, by the package that needs it, and how to mend that."""

from __future__ import annotations

import os

from cnbkit_debian_index import RELEASES, supplied
from cnbkit_elf.facts import ElfFile

__all__ = ["debian_packages", "report", "ways"]

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
    # A program's copy in the virtual environment is of the same package.
    owners = {_name(file): file.owner for files in missing.values() for file in files if file.owner}
    needs: dict[str, dict[str, None]] = {}
    for name, files in sorted(missing.items()):
        for file in files:
            owner = file.owner or owners.get(_name(file)) or _short(file.path)
            needs.setdefault(owner, {})[name] = None
    count = f"{len(missing)} libraries are" if len(missing) > 1 else "a library is"
    lines = [f"{count} needed, but not in the image: what needs them will fail when it starts"]
    lines[0] = lines[0] if len(missing) > 1 else lines[0].replace("needs them", "needs it")
    for owner, names in sorted(needs.items())[:_SHOWN]:
        lines.append(f"{owner} needs {', '.join(names)}: {ways(owner, [*names], here, release)}")
    if len(needs) > _SHOWN:
        lines.append(f"and {len(needs) - _SHOWN} more")
    return "\n".join(lines)


def ways(owner: str, names: list[str], here: dict[str, str], release: str) -> str:
    """What can be done about missing libraries.

    Args:
        owner: the package that needs them; may be empty.
        names: the libraries.
        here: what `debian_packages` knows of them.
        release: of Debian.
    """
    debs = list(dict.fromkeys(here[name] for name in names if name in here))
    found = [f"add {' and '.join(f'`{each}`' for each in debs)} to Aptfile"] if debs else []
    if owner in _INSTEAD:
        found.append(f"use {_INSTEAD[owner]}")
    unknown = [name for name in names if name not in here]
    if unknown:
        found.append(_not_here(unknown, release))
    return ", or ".join(found)


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


def _name(file: ElfFile) -> str:
    return os.path.basename(file.path)


def _short(path: str) -> str:
    """A path below the layers' folder."""
    return path.removeprefix("/layers/")
