"""Files that a command makes for the user to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from pathlib import Path

__all__ = ["write_files"]


def write_files(
    folder: Path, files: Mapping[str, str], *, option: str, executable: Container[str] = ()
) -> None:
    """Write texts into a folder, which is made with those above it if need be.

    Args:
        folder: where to.
        files: path relative to the folder → text.
        option: the command's option that chooses the folder.
        executable: those that are programs.

    Raises:
        PlatformFault: the folder cannot be written.
    """
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            if name in executable:
                path.chmod(path.stat().st_mode | 0o111)
    except OSError as error:
        raise PlatformFault(
            f"cannot write {error.filename}: {error.strerror}",
            where=str(folder),
            remedy=f"choose a folder you may write to with {option}",
        ) from None
