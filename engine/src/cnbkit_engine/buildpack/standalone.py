"""A CPython inside the package, for builders that have none.

Made from any relocatable build: python-build-standalone's `install_only` archives, or another with
`python/bin/python3.N` and `python/lib/python3.N` in it. What a buildpack has no use for is left
out: tests, Tk, IDLE, pip, headers, static libraries, and shared ones that only these used.
"""

from __future__ import annotations

import re
import shutil
import tarfile
from pathlib import Path, PurePosixPath

from cnbkit.errors import UserFault
from cnbkit_engine.sandbox.elf import architecture_of

__all__ = ["FOLDER", "StandalonePython"]

FOLDER = "runtime"
"""Where it is in a buildpack's folder."""

_NOT_NEEDED = {
    "__pycache__", "dist-packages", "distutils", "ensurepip", "idlelib", "lib2to3", "pydoc_data",
    "site-packages", "test", "tests", "tkinter", "turtledemo",
}  # fmt: skip
_NOT_NEEDED_FILES = re.compile(
    r"turtle\.py|sitecustomize\.py|LICENSE\.txt"
    r"|(_tkinter|_test.*|_ctypes_test|_xxtestfuzz|xxlimited.*|xxsubtype)\..*\.so|.*\.(a|exe|whl)"
)


class StandalonePython:
    """A trimmed CPython in a folder.

    Args:
        archive: a tar file, compressed or not.
        folder: where to unpack it; made.

    Attributes:
        folder: where it is.
        version: major and minor version.
        arch: `amd64` or `arm64`.

    Raises:
        UserFault: the archive has no such Python in it.
        OSError: the disk refuses.
    """

    def __init__(self, archive: Path, folder: Path) -> None:
        self.folder = folder
        self._archive = archive
        (folder / "bin").mkdir(parents=True)
        try:
            with tarfile.open(archive) as source:
                self.version = self._unpack(source)
        except (tarfile.TarError, EOFError) as error:
            raise self._unusable(f"it cannot be unpacked: {error}") from None
        program = folder / "bin" / f"python{self.version}"
        if not (folder / "lib" / f"python{self.version}" / "os.py").is_file():
            raise self._unusable(f"it holds no python/lib/python{self.version}")
        self.arch = architecture_of(program)
        if not self.arch:
            raise self._unusable(f"python/bin/{program.name} is not a program for amd64 or arm64")
        (folder / "bin" / "python3").symlink_to(program.name)
        self._drop_libraries(program)

    def copy(self, buildpack: Path) -> None:
        """Put it into a buildpack's folder."""
        shutil.copytree(self.folder, buildpack / FOLDER, symlinks=True)

    def _unpack(self, source: tarfile.TarFile) -> str:
        version = ""
        links: list[tuple[Path, str]] = []
        for item in source:
            parts = [part for part in PurePosixPath(item.name).parts if part not in "/."]
            if ".." in parts or parts[:1] != ["python"] or not _is_needed(parts[1:]):
                continue
            place = self.folder.joinpath(*parts[1:])
            if item.issym():
                links.append((place, item.linkname))
            elif item.isreg() or item.islnk():
                content = source.extractfile(item)
                if content is None:
                    continue
                place.parent.mkdir(parents=True, exist_ok=True)
                with place.open("wb") as file:
                    shutil.copyfileobj(content, file)
                place.chmod(0o755 if item.mode & 0o111 else 0o644)
                if parts[1:2] == ["bin"]:
                    version = parts[2].removeprefix("python")
        for place, target in links:
            # Links only to what is beside them: none leads out of the folder.
            if "/" not in target and (place.parent / target).is_file() and not place.exists():
                place.symlink_to(target)
        if not version:
            raise self._unusable("it holds no python/bin/python3.N")
        return version

    def _drop_libraries(self, program: Path) -> None:
        """Leave out shared libraries that nothing of what is left is linked with."""
        library = self.folder / "lib"
        unused = {path.name: path for path in library.glob("lib*.so*")}
        linked = [program, *(library / f"python{self.version}").rglob("*.so")]
        while linked and unused:
            content = linked.pop().read_bytes()
            named = [name for name in unused if name.encode() + b"\0" in content]
            linked += [unused.pop(name) for name in named]
        for path in unused.values():
            path.unlink()

    def _unusable(self, detail: str) -> UserFault:
        return UserFault(
            "this archive is not a relocatable Python",
            where=str(self._archive),
            remedy="name an install_only archive of python-build-standalone",
            detail=detail,
        )


def _is_needed(parts: list[str]) -> bool:
    """Whether a file belongs to the trimmed Python, by its path below `python/`."""
    if len(parts) == 2 and parts[0] == "bin":
        return bool(re.fullmatch(r"python3\.\d+", parts[1]))
    if len(parts) == 2 and parts[0] == "lib":
        return bool(re.fullmatch(r"lib.*\.so(\.\d+)*", parts[1]))
    if len(parts) < 3 or parts[0] != "lib" or not re.fullmatch(r"python3\.\d+", parts[1]):
        return False
    inside = parts[2:]
    return not (
        _NOT_NEEDED & set(inside)
        or inside[0].startswith("config-")
        or _NOT_NEEDED_FILES.fullmatch(inside[-1])
    )
