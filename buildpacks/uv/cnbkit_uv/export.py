"""`uv export`, and what of it is for this image."""

from __future__ import annotations

import os
import tomllib
from typing import Any

import tomli_w
from packaging.markers import Marker

from cnbkit import BuildContext, CommandFailed, PythonBuild
from cnbkit_lock_front_end import Selection
from cnbkit_lock_front_end.environment import environment
from cnbkit_lock_front_end.location import without_credentials
from cnbkit_lock_front_end.selection import normalised
from cnbkit_logins.files import logins_taken_out
from cnbkit_logins.git_environment import GitLogins
from cnbkit_uv.diagnose import (
    incomparable,
    is_definite,
    lacked_network,
    out_of_step,
    unreadable,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check", "export"]

# uv's exit status when it compared lock and project, or tried to resolve; else it is 2.
_RESOLVED = 1
_INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
_UNNEEDED = ("marker", "dependencies", "requires-python")


def export(ctx: BuildContext, selection: Selection, path: str) -> int:
    """Write the part of uv.lock that this image needs as a pylock.toml.

    Args:
        ctx: the build.
        selection: the groups and extras that are wanted, of which member.
        path: of the file to write.

    Returns:
        The number of packages.

    Raises:
        UserFault: uv cannot read the lock, or it is not for this Python.
    """
    member = selection.member
    exported = f"{ctx.scratch}/pylock.toml"
    arguments = [
        *("export", "--frozen", "--offline", "--format", "pylock.toml"),
        *("--no-header", "--output-file", exported),
        # As `uv sync --no-dev`: the project's default groups belong to it, without `dev`.
        *(() if "dev" in map(normalised, selection.groups) else ("--no-dev",)),
        *(word for name in selection.groups for word in ("--group", name)),
        *(word for name in selection.extras for word in ("--extra", name)),
        *(("--package", member) if member else ()),
    ]
    try:
        _uv(ctx, _python(ctx), *arguments)
    except CommandFailed as failed:
        raise unreadable(failed, ctx.app) from None
    with open(exported, "rb") as file:
        document = tomllib.load(file)
    target = environment(selection.python, ctx.target)
    named = _indexes(ctx)
    document["packages"] = [
        _entry(package, ctx.scratch, named)
        for package in document.get("packages", [])
        if "marker" not in package or Marker(package["marker"]).evaluate(target, "lock_file")
    ]
    with open(path, "wb") as file:
        tomli_w.dump(document, file)
    return len(document["packages"])


def check(ctx: BuildContext) -> None:
    """See that uv.lock is what `uv lock` would make of pyproject.toml.

    Raises:
        UserFault: it is not, or one of the two cannot be read.
        PlatformFault: only the package index could tell, and it cannot be reached.
    """
    python = _python(ctx)
    if ctx.dry and not os.path.exists(python):
        # uv compares for one Python, which is not there before the build.
        ctx.log.info("uv.lock is compared with pyproject.toml in the build, which has its Python")
        return
    try:
        # All that a lock of static files is compared with is here.
        _uv(ctx, python, "lock", "--check", "--offline")
        return
    except CommandFailed as failed:
        if is_definite(failed):
            raise out_of_step(failed, ctx.app) from None
        if failed.code != _RESOLVED and not lacked_network(failed):
            raise unreadable(failed, ctx.app) from None
        resolved = failed.code == _RESOLVED
    # A local package whose dependencies only its build system knows has to be built, and that
    # may need the index; so does a lock whose index only the platform's settings name.
    try:
        with logins_taken_out(ctx.app.top) as found:
            logins = GitLogins(ctx.env)
            logins.add(found)
            _uv(ctx, python, "lock", "--check", same_index=False, more=logins.variables())
    except CommandFailed as failed:
        if resolved or is_definite(failed):
            raise out_of_step(failed, ctx.app) from None
        raise incomparable(failed, ctx.app) from None


def _python(ctx: BuildContext) -> str:
    """Path of the interpreter that the app gets."""
    return PythonBuild.read(ctx).with_python(ctx).python


def _uv(
    ctx: BuildContext,
    python: str,
    *arguments: str,
    same_index: bool = True,
    more: Mapping[str, str] | None = None,
) -> None:
    environment = {
        "UV_CACHE_DIR": f"{ctx.scratch}/uv",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "true",
        "UV_SYSTEM_CERTS": "true",
        **(more or {}),
    }
    if same_index:
        # With another index to install from, a lock would look out of step with its project.
        environment |= {name: "" for name in _INDEXES if name in ctx.env}
    ctx.run(
        ctx.program("uv"), *arguments, "--quiet", "--python", python, env=environment, quiet=True
    )


def _indexes(ctx: BuildContext) -> set[str]:
    """Addresses of the indexes that the project names; all others are somebody's default."""
    tables = [ctx.app.toml("uv.toml")] if ctx.app.has("uv.toml") else []
    tables.append(ctx.app.toml("pyproject.toml").get("tool", {}).get("uv", {}))
    found: list[Any] = []
    for table in tables:
        found += [index.get("url") for index in table.get("index", [])]
        found += [table.get("index-url"), *table.get("extra-index-url", [])]
    return {_comparable(str(url)) for url in found if url}


def _comparable(url: str) -> str:
    return without_credentials(url).rstrip("/")


def _entry(package: dict[str, Any], folder: str, named: set[str]) -> dict[str, Any]:
    """A package without markers, credentials and relative paths."""
    entry = {name: value for name, value in package.items() if name not in _UNNEEDED}
    if "index" in entry and _comparable(entry["index"]) not in named:
        del entry["index"]
    for name, value in entry.items():
        if isinstance(value, dict):
            entry[name] = _located(value, folder)
    if "index" in entry:
        entry["index"] = without_credentials(entry["index"])
    if "wheels" in entry:
        entry["wheels"] = [_located(wheel, folder) for wheel in entry["wheels"]]
    return entry


def _located(source: dict[str, Any], folder: str) -> dict[str, Any]:
    located = dict(source)
    if "path" in source:
        located["path"] = os.path.normpath(os.path.join(folder, source["path"]))
    if "url" in source:
        located["url"] = without_credentials(source["url"])
    return located
