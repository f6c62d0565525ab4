"""The folder an archive is unpacked into: no name and no link of it leads out."""

from __future__ import annotations

import os
import posixpath

from cnbkit.errors import BuildpackFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

__all__ = ["ArchiveFolder", "most_of"]


# What an archive may come to: so many times its own size, where that is more than so many bytes.
_RATIO, _AT_LEAST = 250, 4_000_000_000
_MEMBERS = 3_000_000


class ArchiveFolder:
    """Where an archive's members go, and nowhere else.

    Args:
        archive: for faults.
        to: the folder.
        strip: how many leading parts of names are left out.

    Attributes:
        whole_system: whether the archive's root is a system's, so absolute links are of it.
    """

    def __init__(self, archive: str, to: str, strip: int) -> None:
        self.whole_system = False
        self.strip = strip
        self._archive = archive
        self._root = os.path.realpath(to)
        self._left = most_of(os.path.getsize(archive))
        self._members = 0

    def folder(self, name: str, mode: int) -> None:
        """Make a folder."""
        path = self._path(name)
        if not path or path == self._root:
            return
        if os.path.lexists(path) and not os.path.isdir(path):
            os.unlink(path)
        self._inside(name, path)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode & 0o777 | 0o700)

    def file(self, name: str, contents: IO[bytes], mode: int, mtime: float | None = None) -> None:
        """Write a file."""
        path = self._new(name)
        if path:
            with open(path, "xb") as file:
                while chunk := contents.read(1 << 20):
                    self._left -= len(chunk)
                    if self._left < 0:
                        self.refuse(name, f"unpacks to more than {_RATIO} times its size")
                    file.write(chunk)
            os.chmod(path, mode & 0o777 | 0o600)
            if mtime is not None:  # bytecode knows its source by it
                os.utime(path, (mtime, mtime))

    def link(self, name: str, target: str) -> None:
        """Make a symbolic link."""
        path = self._new(name)
        if not path:
            return
        if target.startswith("/") and self.whole_system:
            above = os.path.relpath(self._root, os.path.dirname(path))
            target = posixpath.join(above, target.lstrip("/"))
        meant = posixpath.normpath(posixpath.join(os.path.dirname(path), target))
        if target.startswith("/") or not _is_in(meant, self._root):
            self.refuse(name, f"links to {target}, which is outside")
        os.symlink(target, path)
        self._inside(name, path)

    def hard_link(self, name: str, target: str) -> None:
        """Make another name of a file that came before."""
        path, source = self._new(name), self._path(target)
        if not path:
            return
        if not source or not os.path.lexists(source):
            self.refuse(name, f"is another name of {target}, which is not there")
        self._inside(target, os.path.dirname(source))
        os.link(source, path, follow_symlinks=False)

    def refuse(self, name: str, why: str) -> None:
        """Tell what cannot be unpacked.

        Raises:
            BuildpackFault: always.
        """
        raise BuildpackFault(
            f"{os.path.basename(self._archive)} is not unpacked: {name} in it {why}",
            where=self._archive,
            remedy="do not use this archive: an honest one is not made so",
        )

    def _path(self, name: str) -> str:
        """Where a name belongs; empty if it is left out."""
        self._members += 1
        if self._members > _MEMBERS:
            self.refuse(name, f"comes after {_MEMBERS:,} others")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or ".." in parts or "\0" in name:
            self.refuse(name, "leads out of the folder")
        kept = parts[self.strip :]
        if not kept:
            return self._root if not parts else ""
        return "/".join([self._root, *kept])

    def _new(self, name: str) -> str:
        """A place where nothing is; empty if the name is left out."""
        path = self._path(name)
        if not path:
            return ""
        if path == self._root:
            self.refuse(name, "is not a name of a file")
        above = os.path.dirname(path)
        self._inside(name, above)
        os.makedirs(above, exist_ok=True)
        if os.path.lexists(path):
            if os.path.isdir(path) and not os.path.islink(path):
                self.refuse(name, "has the name of a folder that came before")
            os.unlink(path)
        return path

    def _inside(self, name: str, path: str) -> None:
        # A link that came before may lead elsewhere by way of another.
        if not _is_in(os.path.realpath(path), self._root):
            self.refuse(name, "goes through a link that leads out of the folder")


def most_of(size: int) -> int:
    """How many bytes an archive of a size may come to."""
    return max(_AT_LEAST, _RATIO * size)


def _is_in(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")
