"""Standalone builds of CPython, installed by uv."""

from __future__ import annotations

import os
import shutil

from cnbkit import BuildContext, CommandFailed, PlatformFault, UserFault
from cnbkit_python.config import PythonConfig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_python.builds import Build

__all__ = ["install", "installed_version"]

# Nothing an image runs needs these; together they are a third of an interpreter.
_UNUSED = ("ensurepip", "idlelib", "test", "tkinter", "turtledemo")


def install(
    ctx: BuildContext, config: PythonConfig, request: str, build: Build | None, directory: str
) -> None:
    """Install a standalone interpreter as `<directory>/bin/python3`.

    Args:
        ctx: the build.
        config: where builds come from.
        request: a version or specifiers.
        build: the one to take; None to choose from the list that BP_PYTHON_DOWNLOADS names.
        directory: the layer's.

    Raises:
        UserFault: there is no build of that version.
        PlatformFault: it could not be downloaded.
    """
    staging = f"{directory}/.install"
    env = {
        "UV_CACHE_DIR": f"{staging}/cache",
        "UV_PYTHON_DOWNLOADS": "automatic",
        "UV_SYSTEM_CERTS": "true",
        "UV_NO_CONFIG": "true",
    }
    if config.mirror:
        env["UV_PYTHON_INSTALL_MIRROR"] = config.mirror
    if build:
        os.makedirs(staging)
        with open(f"{staging}/builds.json", "w", encoding="ascii") as file:
            file.write(build.list_of_one())
        env["UV_PYTHON_DOWNLOADS_JSON_URL"] = f"{staging}/builds.json"
        request = build.version
    else:
        env["UV_PYTHON_DOWNLOADS_JSON_URL"] = config.downloads
    uv = str(ctx.buildpack_dir / "lib/bin/uv")
    command = (
        uv,
        "python",
        "install",
        "--no-progress",
        "--no-bin",
        "--install-dir",
        staging,
        request,
    )
    try:
        ctx.run(*command, env=env, quiet=True)
    except CommandFailed as failed:
        raise _explained(failed, request) from None
    # uv adds a link without the patch version.
    (found,) = (
        entry
        for entry in os.listdir(staging)
        if entry.startswith("cpython-") and not os.path.islink(f"{staging}/{entry}")
    )
    for entry in os.listdir(f"{staging}/{found}"):
        shutil.move(f"{staging}/{found}/{entry}", f"{directory}/{entry}")
    shutil.rmtree(staging)
    _trim(directory)
    # "cpython-3.12.4-linux-x86_64-gnu"
    with open(f"{directory}/.version", "w", encoding="ascii") as file:
        file.write(found.split("-")[1])


def installed_version(directory: str) -> str:
    """The full version of an interpreter installed here."""
    with open(f"{directory}/.version", encoding="ascii") as file:
        return file.read()


def _trim(directory: str) -> None:
    (library,) = (e for e in os.listdir(f"{directory}/lib") if e.startswith("python3."))
    for name in _UNUSED:
        shutil.rmtree(f"{directory}/lib/{library}/{name}", ignore_errors=True)


def _explained(failed: CommandFailed, request: str) -> PlatformFault | UserFault:
    if "No download found" in failed.output or "No interpreter found" in failed.output:
        return UserFault(
            f"there is no standalone build of Python {request}",
            where=f"Python {request}",
            remedy="ask for another version, or give BP_PYTHON_DOWNLOADS a list that has it",
            detail=failed.shown,
        )
    if "Hash mismatch" in failed.output:
        return PlatformFault(
            f"the archive of Python {request} is another file than it should be",
            where="uv python install",
            remedy="have the mirror carry the files as they were published; BP_PYTHON_MIRROR names "
            "another one",
            detail=failed.shown,
        )
    return PlatformFault(
        f"cannot install Python {request}",
        where="uv python install",
        remedy="check the network, or set BP_PYTHON_MIRROR to a mirror you can reach",
        detail=failed.shown,
    )
