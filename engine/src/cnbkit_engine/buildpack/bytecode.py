"""Bytecode of assembled buildpacks, compiled by the Python that will run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.errors import BuildpackFault

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cnbkit_engine.state.home import Home

__all__ = ["compile_bytecode"]

# Of each file only its place in the buildpack is named: what several buildpacks carry then has one
# bytecode in all of them, and is in a builder once. An import puts the whole path there.
_SCRIPT = """
import compileall, concurrent.futures, multiprocessing, os, sys
from py_compile import PycInvalidationMode

def compiled(pair):
    place, path = pair
    one = compileall.compile_dir if os.path.isdir(path) else compileall.compile_file
    mode = PycInvalidationMode.UNCHECKED_HASH
    return one(path, quiet=1, stripdir=place, invalidation_mode=mode)

pairs = [line.split(os.sep * 2) for line in sys.argv[1:]]
fork = multiprocessing.get_context("fork")
with concurrent.futures.ProcessPoolExecutor(mp_context=fork) as pool:
    sys.exit(not all([*pool.map(compiled, [(place, f"{place}/{name}") for place, name in pairs])]))
"""


def compile_bytecode(
    home: Home,
    root: Path,
    folder: Path,
    places: list[str],
    python: str = "/usr/bin/python3",
    *,
    with_libraries: Sequence[str] = (),
) -> None:
    """Compile bytecode in a sandbox, valid whatever the files' times say.

    Args:
        home: for the sandbox.
        root: its root file system.
        folder: what will be `/cnb/buildpacks`.
        places: folders below it.
        python: the interpreter there, which the bytecode is for.
        with_libraries: those of the places whose libraries have their bytecode already.

    Raises:
        BuildpackFault: a module is not what this Python can compile.
    """
    import os
    import subprocess

    from cnbkit_engine.buildpack.assemble import CORE_FOLDER, LIBRARY_FOLDER
    from cnbkit_engine.sandbox.sandbox import Bind, Sandbox

    sandbox = Sandbox(
        home.tmp,
        root=root,
        binds=(Bind(folder, "/cnb/buildpacks", writable=True, given=True),),
        # Sets are written in hash order: with another seed each time, other bytes each time.
        env={"PATH": "/usr/bin:/bin", "PYTHONHASHSEED": "0"},
        network=False,
    )
    parts = []
    for place in places:
        names = [each.name for each in (folder / place).iterdir()]
        if LIBRARY_FOLDER in names:
            names.remove(LIBRARY_FOLDER)
            library = folder / place / LIBRARY_FOLDER
            inner = [CORE_FOLDER] if place in with_libraries else os.listdir(library)
            names += [f"{LIBRARY_FOLDER}/{name}" for name in inner]
        parts += [f"/cnb/buildpacks/{place}//{name}" for name in sorted(names)]
    command = [python, "-s", "-P", "-c", _SCRIPT, *parts]
    with sandbox.popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as run:
        output = run.process.stdout.read() if run.process.stdout else b""
        if run.wait():
            raise BuildpackFault(
                "the buildpacks' code cannot be compiled by the Python that will run it",
                where=str(folder),
                remedy="mend the syntax named below, for the build image's Python",
                detail=output.decode(errors="replace").rstrip(),
            )
