"""What is missing, by the package that needs it, and how to mend that."""

from __future__ import annotations

import lzma
import os

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


def report(missing: dict[str, list[ElfFile]]) -> str:
    """Lines to show; the first says what is wrong.

    Args:
        missing: names of libraries, and the files that need each.
    """
    supplied = debian_packages(set(missing))
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
        told = ", or ".join(ways(owner, [*names], supplied))
        lines.append(f"{owner} needs {', '.join(names)}: {told}")
    if len(needs) > _SHOWN:
        lines.append(f"and {len(needs) - _SHOWN} more")
    return "\n".join(lines)


def ways(owner: str, names: list[str], supplied: dict[str, str]) -> list[str]:
    """What can be done about missing libraries.

    Args:
        owner: the package that needs them; may be empty.
        names: the libraries.
        supplied: what `debian_packages` knows of them.
    """
    debs = list(dict.fromkeys(supplied[name] for name in names if name in supplied))
    found = [f"add {' and '.join(f'`{each}`' for each in debs)} to Aptfile"] if debs else []
    if owner in _INSTEAD:
        found.append(f"use {_INSTEAD[owner]}")
    unknown = [name for name in names if name not in supplied]
    if unknown:
        found.append(f"Debian has no package with {', '.join(unknown)}")
    return found


def debian_packages(libraries: set[str]) -> dict[str, str]:
    """The Debian package that supplies each library, of those Debian has."""
    path = os.path.join(os.path.dirname(__file__), "debian.txt.xz")
    found = {}
    with lzma.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            package, *names = line.split()
            found.update({name: package for name in names if name in libraries})
    return found


def _name(file: ElfFile) -> str:
    return os.path.basename(file.path)


def _short(path: str) -> str:
    """A path below the layers' folder."""
    return path.removeprefix("/layers/")
