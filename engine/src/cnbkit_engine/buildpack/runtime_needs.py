"""Which libraries a relocatable Python needs of a build image, found out where there are none."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault
from cnbkit_engine.sandbox.elf import architecture_of
from cnbkit_engine.state.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.state.home import Home

__all__ = ["needs_of"]

# What every image for glibc has: its own libraries. The shell that runs bin/build needs no more.
_GLIBC = ("c", "dl", "m", "pthread", "resolv", "rt", "util")
_MISSING = re.compile(r"^[ \t]*(\S+) => not found$", re.MULTILINE)
# The loader tells what it would load, and runs nothing of the file.
_LIST = 'for file; do LD_TRACE_LOADED_OBJECTS=1 "$0" "$file"; done; exit 0'


def needs_of(home: Home, root: Path, python: Path) -> list[str]:
    """Libraries that a Python and its modules find neither beside themselves nor in glibc.

    Args:
        home: for the sandbox.
        root: the build root, whose glibc and shell it is tried with.
        python: the Python's folder, for this machine's processor.

    Raises:
        PlatformFault: the sandbox cannot be made.
    """
    from cnbkit_engine.sandbox.sandbox import Bind, Sandbox

    found = [*python.glob("bin/python3.*"), *python.rglob("*.so"), *python.rglob("*.so.*")]
    files = [f"/python/{each.relative_to(python)}" for each in found if architecture_of(each)]
    with Workspace(home.tmp) as space:
        loader = _glibc_alone(root, space / "root")
        sandbox = Sandbox(
            home.tmp,
            root=space / "root",
            binds=(Bind(python, "/python", given=True),),
            env={"PATH": "/bin"},
            network=False,
        )
        with sandbox.popen(
            ["/bin/sh", "-c", _LIST, loader, *sorted(files)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as run:
            output = run.process.communicate()[0].decode(errors="replace")
            if run.wait():
                raise PlatformFault(
                    "what the Python of the archive needs cannot be found out",
                    where="--runtime",
                    remedy="see below what the sandbox says",
                    detail=output,
                )
    return sorted({*_MISSING.findall(output)})


def _glibc_alone(root: Path, bare: Path) -> str:
    """Make a root with glibc and a shell; where in it the loader is."""
    [loader] = root.glob("usr/lib/*-linux-gnu/ld-linux-*.so.*")
    library = loader.parent
    place = bare / library.relative_to(root)
    # Programs name the loader by the one or the other of these, by processor.
    for folder in (place, bare / "lib64", bare / "lib"):
        folder.mkdir(parents=True)
        shutil.copy(loader, folder)
    for name in _GLIBC:
        for file in library.glob(f"lib{name}.so.*"):
            shutil.copy(file, place)
    (bare / "bin").mkdir()
    shutil.copy(root / "usr/bin/dash", bare / "bin/sh")
    return f"/{loader.relative_to(root)}"
