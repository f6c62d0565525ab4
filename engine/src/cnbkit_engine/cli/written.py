"""Files that a command makes for the user to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault, UserFault

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from pathlib import Path

__all__ = ["write_files"]


def write_files(
    folder: Path,
    files: Mapping[str, str],
    *,
    option: str,
    executable: Container[str] = (),
    inside: bool = False,
) -> None:
    """Write texts into a folder, which is made with those above it if need be.

    Args:
        folder: where to.
        files: path relative to the folder → text.
        option: the command's option that chooses the folder.
        executable: those that are programs.
        inside: others have filled the folder: no link in it is followed.

    Raises:
        UserFault: a link lies where one is to be written, or above it.
        PlatformFault: the folder cannot be written.
    """
    try:
        for name, text in files.items():
            path = folder / name
            if inside:
                _refuse_links(folder, path)
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


def _refuse_links(folder: Path, path: Path) -> None:
    for each in (path, *path.parents):
        if each == folder:
            return
        if each.is_symlink():
            raise UserFault(
                f"{each.relative_to(folder)} is a link, which may lead out of the folder",
                where=str(each),
                remedy="take it away; --check shows what would be written",
            )
