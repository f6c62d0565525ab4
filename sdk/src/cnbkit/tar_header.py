"""Headers of tar archives that others made."""

from __future__ import annotations

import tarfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

__all__ = ["BoundedHeader", "SolidHeader"]

# A name has 4096 bytes, an attribute of a file 64 KiB.
_LONGEST = 1 << 20
_LONG = {
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
}


class BoundedHeader(tarfile.TarInfo):
    """A header for `tarfile.open(tarinfo=…)` whose names and attributes have an end.

    They are read into memory as a whole: half a megabyte of an archive can make 2 GB of them.
    """

    def _proc_member(self, tar: tarfile.TarFile) -> Self:
        if self.type in _LONG and self.size > _LONGEST:
            raise tarfile.ReadError(f"names of {self.size} bytes are none")
        return super()._proc_member(tar)  # type: ignore[misc,no-any-return]


class SolidHeader(BoundedHeader):
    """A header of an image's layer, whose files are as large as what the archive has of them.

    A sparse one of a kilobyte can stand for more zeros than a disk holds; no tool makes layers so.
    """

    def _proc_member(self, tar: tarfile.TarFile) -> Self:
        found = super()._proc_member(tar)
        if getattr(found, "sparse", None) is not None:
            raise tarfile.ReadError(f"{found.name[:200]} is a sparse file of {found.size} bytes")
        return found
