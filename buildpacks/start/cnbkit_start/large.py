"""Large files of the app: each has a layer of its own, which a change of code leaves alone."""

from __future__ import annotations

import os

__all__ = ["large_files", "pattern_of"]

_LARGE = 16 << 20
# Each is a layer; container engines mount 127 at most.
_MOST = 24


def large_files(root: str) -> list[str]:
    """Their paths relative to the app's root, sorted; the largest if there are very many."""
    found: list[tuple[int, str]] = []
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(f"{root}/{folder}") as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(f"{folder}{entry.name}/")
                    elif entry.is_file(follow_symlinks=False):
                        size = entry.stat(follow_symlinks=False).st_size
                        if size >= _LARGE:
                            found.append((-size, f"{folder}{entry.name}"))
        except OSError:
            continue  # whoever needs what is in there will say so
    return sorted(path for _, path in sorted(found)[:_MOST] if _is_text(path))


def _is_text(name: str) -> bool:
    """Whether it can stand in launch.toml."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def pattern_of(path: str) -> str:
    """A pattern that means this path alone, as the lifecycle reads it (Go's filepath.Match)."""
    return "".join(f"\\{char}" if char in "*?[\\" else char for char in path)
