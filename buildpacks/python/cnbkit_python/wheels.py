"""A lock of packages with wheels for some Pythons alone: one of those, where it may be any."""

from __future__ import annotations

from cnbkit import BuildContext
from cnbkit_locked.wheels import Compiled, compiled
from cnbkit_python.constraint import both, some_release
from cnbkit_python.constraint import request as narrowed
from cnbkit_python.input import LOCKS
from cnbkit_python.request import VersionRequest
from cnbkit_python.spelling import is_plain

__all__ = ["fitting"]

# Older ones get no security fixes.
_MINORS = (14, 13, 12, 11, 10)


def fitting(
    ctx: BuildContext, request: VersionRequest, base: str, names: list[str]
) -> VersionRequest:
    """The request, or the one for a Python for which all packages have wheels.

    Only packages count that would end the build otherwise: certainly installed, and without
    sources to build them from.

    Args:
        ctx: the build.
        request: what the app asks for.
        base: version of the base image's Python; empty if it has none.
        names: the files with the dependencies.
    """
    if len(names) != 1 or is_plain(request.wanted):
        return request
    lock = names[0]
    base_name = lock.rpartition("/")[2]
    if base_name not in LOCKS and not base_name.startswith("pylock."):
        return request
    asked = base if base and request.satisfied_by(base) else narrowed(request.wanted, base)
    minor = asked.split(".")[1] if is_plain(asked) and "." in asked else ""
    if not minor.isdigit():
        return request
    packages = compiled(ctx.app.text(lock), lock, ctx.target.arch)
    lacking = [each for each in packages if int(minor) not in each.minors]
    if not lacking:
        return request
    for other in _MINORS:
        together = both(request.wanted, f"==3.{other}.*") if request.wanted else f"==3.{other}.*"
        if some_release(together) and all(other in each.minors for each in packages):
            return _of_wheels(request, narrowed(together, base), lacking[0], lock, f"3.{minor}")
    return request


def _of_wheels(
    request: VersionRequest, wanted: str, package: Compiled, lock: str, instead: str
) -> VersionRequest:
    label = f"{package.name} {package.version}".strip()
    found = VersionRequest(
        wanted, f"{lock}, where {label} has no wheel for {instead} and no sources"
    )
    found.others = request.others
    found.notes = request.notes
    found.otherwise = f"or lock a release of {package.name} that has a wheel for {instead}"
    return found
