"""Digests of folders of the app that packages are made of."""

from __future__ import annotations

import hashlib
import os

__all__ = ["compiles", "local_digests", "project_digest", "project_files", "tree_digest"]

# What the metadata of a package comes from; its code may change without it.
_DECLARING = ("pyproject.toml", "setup.py", "setup.cfg", "MANIFEST.in")
_COMPILED = (
    *(".c", ".cc", ".cpp", ".cxx", ".h", ".hpp", ".pyx", ".pxd", ".rs", ".cu", ".go"),
    *(".f", ".for", ".f90", ".f95", ".zig"),
)
_LEFT_OUT = ("__pycache__", ".git", ".hg", ".venv", ".tox", ".mypy_cache", ".ruff_cache")


def tree_digest(path: str) -> str:
    """SHA-256 of a file, or of a folder's names and contents."""
    total = hashlib.sha256()
    if os.path.isfile(path):
        return _file_digest(path).hex()
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        for name in sorted(files):
            inner = os.path.join(folder, name)
            total.update(f"{os.path.relpath(inner, path)}\0".encode(errors="surrogateescape"))
            if os.path.isfile(inner):
                total.update(_file_digest(inner))
    return total.hexdigest()


def project_files(directory: str) -> list[str]:
    """The files that declare a project, by relative name.

    pyproject.toml and its kin, and lists of requirements: `dynamic` dependencies and a setup.py
    may read those.
    """
    found = [name for name in _DECLARING if os.path.isfile(f"{directory}/{name}")]
    found += _named_files(directory, found)
    for folder in ("", "requirements"):
        path = f"{directory}/{folder}"
        names = sorted(os.listdir(path)) if os.path.isdir(path) else []
        found += [
            f"{folder}/{name}".lstrip("/")
            for name in names
            if name.endswith((".txt", ".in"))
            and "requirement" in (folder or name)
            and os.path.isfile(f"{path}/{name}")
        ]
    return list(dict.fromkeys(found))


def _named_files(directory: str, declaring: list[str]) -> list[str]:
    """Files that these name: lists of dependencies, where a version stands."""
    found = []
    for name in declaring:
        with open(f"{directory}/{name}", encoding="utf-8", errors="replace") as file:
            for word in _paths(file.read()):
                if "." in word and not word.startswith(("/", "..")):
                    described = word.lower().endswith((".md", ".rst"))
                    if not described and os.path.isfile(f"{directory}/{word}"):
                        found.append(os.path.normpath(word))
    return found


def compiles(directory: str) -> bool:
    """Whether a project has code to compile; then its code cannot stay where it is."""
    for _, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        if any(name.endswith(_COMPILED) for name in files):
            return True
    return False


def project_digest(directory: str, *, editable: bool = True) -> str:
    """SHA-256 of what an installed project depends on.

    Of an editable one these are the files that declare it and the names in its root and in
    `src`: where its code is, not what it is. Of any other, all files.
    """
    if not editable or compiles(directory):
        return tree_digest(directory)
    total = hashlib.sha256()
    for name in project_files(directory):
        total.update(f"{name}\0".encode() + _file_digest(f"{directory}/{name}"))
    for folder in (directory, f"{directory}/src"):
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            inside = os.path.isfile(f"{folder}/{name}/__init__.py")
            if inside or name.endswith(".py"):
                total.update(f"{name}\0".encode(errors="surrogateescape"))
    return total.hexdigest()


def local_digests(path: str, root: str, *, editable: bool) -> dict[str, str]:
    """What a local package depends on: itself, and the folders its declaration names.

    Args:
        path: a file, a folder with a project, a folder with packages, or a repository.
        root: of the app; names are relative to it.
        editable: whether its code stays where it is.

    Returns:
        Name → SHA-256.
    """
    found: dict[str, str] = {}
    todo = [(path, editable)]
    while todo:
        place, in_place = todo.pop(0)
        name = os.path.relpath(place, root)
        if name in found:
            continue
        if not os.path.isdir(place):
            found[name] = tree_digest(place)
            continue
        declared = any(os.path.isfile(f"{place}/{each}") for each in _DECLARING)
        found[name] = project_digest(place, editable=in_place and declared)
        todo += [(each, "editable" in text) for each, text in _named_folders(place)]
    return found


def _named_folders(directory: str) -> list[tuple[str, str]]:
    """Folders with projects that a project's declaration names, each with the line it stands in."""
    found = []
    for name in _DECLARING:
        if not os.path.isfile(f"{directory}/{name}"):
            continue
        with open(f"{directory}/{name}", encoding="utf-8", errors="replace") as file:
            for line in file:
                for word in _paths(line):
                    place = os.path.normpath(os.path.join(directory, word))
                    if place != directory and any(
                        os.path.isfile(f"{place}/{each}") for each in _DECLARING[:3]
                    ):
                        found.append((place, line))
    return found


def _paths(text: str) -> list[str]:
    """Words that may be paths."""
    kept = "".join(char if char.isalnum() or char in "-_./" else " " for char in text)
    return list(dict.fromkeys(kept.split()))


def _file_digest(path: str) -> bytes:
    total = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.digest()
