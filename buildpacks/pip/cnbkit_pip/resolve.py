"""Requirements to a lock."""

from __future__ import annotations

from cnbkit import BuildContext, CommandFailed, UserFault
from cnbkit_pip.diagnose import explained
from cnbkit_pip.interpreter import Interpreter
from cnbkit_pip.package import Package, read_lock
from cnbkit_pip.requirements import Requirements
from cnbkit_pip.uv import run_uv

__all__ = ["resolve"]


def resolve(
    ctx: BuildContext, requirements: Requirements, python: Interpreter, lock: str
) -> list[Package]:
    """Lock the requirements.

    Args:
        ctx: the build.
        requirements: what the user wrote.
        python: the interpreter they have to fit.
        lock: path of the pylock.toml to write; one that is there keeps its versions where
            the requirements still allow them.

    Raises:
        UserFault: the requirements are at fault; names file and line.
        PlatformFault: the index cannot be reached, or the disk is full.
    """
    options = ("--quiet", "--no-header", "--no-annotate", "--format", "pylock.toml")
    try:
        run_uv(ctx, python, "compile", *requirements.roots, *options, "--output-file", lock)
    except CommandFailed as failed:
        raise explained(failed, requirements) from None
    packages = read_lock(lock)
    return _with_allowed_hashes(packages, requirements)


def _with_allowed_hashes(packages: list[Package], requirements: Requirements) -> list[Package]:
    allowed = requirements.allowed_hashes()
    if not allowed:
        return packages
    result = []
    for package in packages:
        line = requirements.mentions(package.name)
        if package.name not in allowed:
            raise UserFault(
                f"{package.name} {package.version} has no --hash, but other requirements have",
                where=line.where if line else str(requirements),
                remedy="give every package its hashes, as `uv pip compile --generate-hashes` "
                "does, or none",
            )
        restricted = package.restricted_to(allowed[package.name])
        if not restricted.artifacts():
            raise UserFault(
                f"no file of {package.name} {package.version} in the index has an allowed hash",
                where=line.where if line else str(requirements),
                remedy="lock again if the new files are wanted; if nothing was changed on "
                "purpose, the index may have been tampered with",
            )
        result.append(restricted)
    return result
