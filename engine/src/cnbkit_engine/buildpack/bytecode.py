"""Bytecode of assembled buildpacks, compiled by the Python that will run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.errors import BuildpackFault

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cnbkit_engine.state.home import Home

__all__ = ["compile_bytecode"]


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
        folder: what will be `/cnb/buildpacks`; the bytecode names files by where they will be.
        places: folders below it.
        python: the interpreter there, which the bytecode is for.
        with_libraries: those of the places whose libraries have their bytecode already.

    Raises:
        BuildpackFault: a module is not what this Python can compile.
    """
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
    command = [python, "-s", "-P", "-m", "compileall", "-q", "-j", "0"]
    options = ["--invalidation-mode", "unchecked-hash"]
    paths = []
    for place in places:
        if place in with_libraries:
            own = [each.name for each in (folder / place).iterdir() if each.name != LIBRARY_FOLDER]
            own.append(f"{LIBRARY_FOLDER}/{CORE_FOLDER}")
            paths += [f"/cnb/buildpacks/{place}/{name}" for name in sorted(own)]
        else:
            paths.append(f"/cnb/buildpacks/{place}")
    with sandbox.popen(
        [*command, *options, *paths], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as run:
        output = run.process.stdout.read() if run.process.stdout else b""
        if run.wait():
            raise BuildpackFault(
                "the buildpacks' code cannot be compiled by the Python that will run it",
                where=str(folder),
                remedy="mend the syntax named below, for the build image's Python",
                detail=output.decode(errors="replace").rstrip(),
            )
