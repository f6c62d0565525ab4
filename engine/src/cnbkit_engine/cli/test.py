"""`cnbkit test`."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import click

from cnbkit.errors import PlatformFault, UserFault

__all__ = ["command"]

_PLUGIN = "cnbkit.testing.plugin"
_HIDING = "cnbkit_engine.testing.declared_only"
_SKIPPED = {".venv", "node_modules", "__pycache__", "build", "dist"}


@click.command("test")
@click.argument("path", metavar="[DIR]", type=click.Path(path_type=Path), default=".")
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def command(ctx: click.Context, path: Path, args: tuple[str, ...]) -> None:
    """Run the tests of the buildpack in DIR with pytest; ARGS after -- go to it.

    Its code, the code of the buildpacks in folders below, and what their requirements.lock
    names can be imported; the fixtures of cnbkit.testing are there. The exit status is pytest's.
    Code that imports what no build has is told before, for the tests would pass here; what it
    tries to import and does without is hidden from it, and not from the tests.
    """
    if not path.is_dir():
        raise UserFault("there is no such folder", where=str(path), remedy="name a buildpack's")
    if find_spec("pytest") is None:
        raise PlatformFault(
            "pytest is not installed beside cnbkit",
            where=sys.prefix,
            remedy=f"run: {sys.executable} -m pip install pytest",
        )
    folders = _buildpacks(path)
    if not folders:
        raise UserFault(
            "there is no buildpack.toml or extension.toml in or below it",
            where=str(path),
            remedy="name a buildpack's folder, or make one with `cnbkit new`",
        )
    _check_imports(folders)
    libraries = [library for folder in folders for library in _libraries(folder)]
    locks = [folder / "requirements.lock" for folder in (*folders, *libraries)]
    paths = [str(path.resolve()) for path in (*folders, *(each.parent for each in libraries))]
    paths = list(dict.fromkeys(paths))
    paths += [str(_installed(lock)) for lock in locks if lock.is_file()]
    declared = os.pathsep.join(paths)
    if before := os.environ.get("PYTHONPATH"):
        paths.append(before)
    command = [sys.executable, "-m", "pytest", "-p", _HIDING]
    command.append(f"--cnbkit-declared={declared}")
    if not entry_points(group="pytest11", name="cnbkit"):
        command += ["-p", _PLUGIN]
    done = subprocess.run(
        [*command, *args],
        cwd=path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        check=False,
    )
    ctx.exit(done.returncode)


def _check_imports(folders: list[Path]) -> None:
    from cnbkit.errors import BuildpackFault
    from cnbkit_engine.lint import undeclared

    found = [each for folder in folders for each in undeclared(folder, _libraries(folder))]
    if found:
        first, *others = found
        raise BuildpackFault(
            first.what,
            where=first.where,
            remedy=first.remedy,
            detail="\n".join(f"{each.where}: {each.what}" for each in others) or None,
        )


def _buildpacks(path: Path) -> list[Path]:
    """The folder and those below it that hold a buildpack."""
    found = []
    for folder, inner, files in os.walk(path):
        inner[:] = sorted(
            name for name in inner if name not in _SKIPPED and not name.startswith(".")
        )
        if {"buildpack.toml", "extension.toml"} & {*files}:
            found.append(Path(folder))
    return found


def _libraries(folder: Path) -> list[Path]:
    """The packages that its descriptor shares with others."""
    from cnbkit.spec.buildpack import library_folders
    from cnbkit.spec.toml import decode

    for name in ("buildpack.toml", "extension.toml"):
        path = folder / name
        if path.is_file():
            table = decode(path.read_bytes(), name=name, where=str(path))
            metadata = table.get("metadata")
            named = library_folders(metadata if isinstance(metadata, dict) else {}, str(folder))
            return [Path(library) for library in named]
    return []


def _installed(lock: Path) -> Path:
    """A folder with what a lock names, for the Python that runs the tests."""
    import hashlib

    from cnbkit_engine.state.home import Home
    from cnbkit_engine.state.locks import made_once

    total = hashlib.sha256(f"{sys.executable} {sys.version}\n".encode())
    total.update(lock.read_bytes())

    def make(folder: Path) -> None:
        from cnbkit_engine.tools.uv import install

        python = ("--python", sys.executable)
        done = install(folder, "--no-config", *python, "--requirement", str(lock))
        if done.returncode:
            raise PlatformFault(
                "cannot install what the buildpack needs",
                where=str(lock),
                remedy="check the lock, and this machine's network and package index settings",
                detail=done.stderr.rstrip(),
            )
        folder.mkdir(exist_ok=True)  # an empty lock installs nothing

    return made_once(Home.default().root / "requirements" / total.hexdigest()[:32], make)
