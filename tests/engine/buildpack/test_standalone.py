"""What a package keeps of a relocatable Python."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

from cnbkit_engine.buildpack.standalone import StandalonePython

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = b"\x7fELF\x02".ljust(18, b"\1") + b"\x3e\0"


def _unpacked(
    folder: Path, files: dict[str, bytes], links: dict[str, str] | None = None
) -> set[str]:
    """Files of the trimmed Python."""
    archive = folder / "python.tar"
    with tarfile.open(archive, "w") as made:
        for name, content in files.items():
            item = tarfile.TarInfo(f"python/{name}")
            item.size, item.mode = len(content), 0o755
            made.addfile(item, io.BytesIO(content))
        for name, target in (links or {}).items():
            item = tarfile.TarInfo(f"python/{name}")
            item.type, item.linkname = tarfile.SYMTYPE, target
            made.addfile(item)
    python = StandalonePython(archive, folder / "python")
    assert (python.version, python.arch) == ("3.13", "amd64")
    top = python.folder
    return {str(path.relative_to(top)) for path in top.rglob("*") if not path.is_dir()}


def test_libraries_beside_it_stay_if_what_stays_is_linked_with_them(tmp_path: Path) -> None:
    files = {
        "bin/python3.13": PROGRAM + b"libpython3.13.so.1.0\0",
        "bin/pip": b"#!/bin/sh\n",
        "lib/python3.13/os.py": b"",
        "lib/python3.13/lib-dynload/_ssl.so": b"libssl.so.3\0",
        "lib/python3.13/lib-dynload/_tkinter.cpython-313.so": b"libtk8.6.so\0",
        "lib/libpython3.13.so.1.0": b"libpython3.13.so.1.0\0libexpat.so.1\0",
        "lib/libssl.so.3": b"libssl.so.3\0libcrypto.so.3\0",
        "lib/libcrypto.so.3": b"",
        "lib/libexpat.so.1": b"",
        "lib/libtk8.6.so": b"libtcl8.6.so\0",
        "lib/libtcl8.6.so": b"",
        "lib/libpython3.13.a": b"",
        "lib/pkgconfig/python.pc": b"",
    }
    links = {"lib/libpython3.13.so": "libpython3.13.so.1.0"}
    assert _unpacked(tmp_path, files, links) == {
        "bin/python3",
        "bin/python3.13",
        "lib/python3.13/os.py",
        "lib/python3.13/lib-dynload/_ssl.so",
        "lib/libpython3.13.so.1.0",
        "lib/libssl.so.3",
        "lib/libcrypto.so.3",
        "lib/libexpat.so.1",
    }


def test_the_shared_libpython_goes_where_the_program_has_it_built_in(tmp_path: Path) -> None:
    files = {
        "bin/python3.13": PROGRAM,
        "lib/python3.13/os.py": b"",
        "lib/libpython3.13.so.1.0": b"libpython3.13.so.1.0\0",
    }
    assert _unpacked(tmp_path, files) == {"bin/python3", "bin/python3.13", "lib/python3.13/os.py"}
