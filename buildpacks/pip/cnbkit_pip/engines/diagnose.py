"""uv's errors in terms of what the user wrote."""

from __future__ import annotations

import re

from cnbkit import CnbkitError, CommandFailed, PlatformFault, UserFault
from cnbkit_pip.engines.index_faults import index_fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_indexes.sources import Sources
    from cnbkit_pip.engines.engine import Wanted

__all__ = ["explained", "explained_install"]

_PARSE = re.compile(r"parse requirement in `(?P<file>[^`]+)` at position (?P<position>\d+)")
_PROJECT = re.compile(r"Failed to parse: `?(?P<file>\S*pyproject\.toml)")
_UNKNOWN = re.compile(r"Because (?P<name>\S+) was not found in the package registry")
# uv's words, then pip's.
_UNSOLVED = ("No solution found", "Could not find a version that satisfies", "ResolutionImpossible")
_NO_VERSION = re.compile(
    r"(?:there (?:is|are) no versions? of|satisfies the requirement) (?P<name>[A-Za-z0-9._-]+)"
)
_BUILD = re.compile(r"Failed to (?:build|download and build) `?(?P<name>[^`\s]+)`?")


def explained(
    failed: CommandFailed, requirements: Wanted, sources: Sources | None = None
) -> CnbkitError:
    """Why requirements could not be resolved."""
    output = failed.output
    if found := _PARSE.search(output):
        return _unparsable(found, requirements, output)
    if found := _PROJECT.search(output):
        return UserFault(
            "pyproject.toml does not declare a project correctly",
            where=found["file"],
            remedy="correct what is named below: [project] needs a name and a version (PEP 621)",
            detail=output,
        )
    if failed.limit is not None:
        return _too_slow(failed, str(requirements))
    if common := _common(output, sources):
        return common
    if found := _UNKNOWN.search(output):
        name = found["name"]
        return UserFault(
            f"there is no package {name} in the index",
            where=_where(requirements, name),
            remedy="correct the name; if it is a private package, name its index with a binding of "
            "type pypi or BP_PIP_EXTRA_INDEX_URLS",
            detail=output,
        )
    if found := _BUILD.search(output):
        return _unbuildable(found["name"], _where(requirements, found["name"]), output)
    if any(sign in output for sign in _UNSOLVED):
        no_version = _NO_VERSION.search(output)
        name = no_version["name"] if no_version else ""
        return UserFault(
            "no set of versions satisfies all requirements",
            where=_where(requirements, name),
            remedy="loosen or correct the versions named below",
            detail=output,
        )
    return UserFault(
        "the requirements cannot be resolved",
        where=str(requirements),
        remedy="see below what uv says",
        detail=output,
    )


def explained_install(
    failed: CommandFailed, names: list[str], sources: Sources | None = None
) -> CnbkitError:
    """Why locked packages could not be installed."""
    where = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    if failed.limit is not None:
        return _too_slow(failed, where)
    if common := _common(failed.output, sources):
        return common
    if found := _BUILD.search(failed.output):
        return _unbuildable(found["name"], where, failed.output)
    return UserFault(
        "the packages cannot be installed",
        where=where,
        remedy="see below what uv says",
        detail=failed.output,
    )


def _common(output: str, sources: Sources | None) -> CnbkitError | None:
    if "No space left on device" in output or "os error 28" in output:
        return PlatformFault(
            "the disk is full",
            where="the build's layers",
            remedy="free some space and build again; nothing of the last image is lost",
            detail=output,
        )
    return index_fault(output, sources)


def _too_slow(failed: CommandFailed, where: str) -> PlatformFault:
    return PlatformFault(
        f"it took longer than {(failed.limit or 0) / 60:g} minutes",
        where=where,
        remedy="see whether the index answers; or set BP_PIP_TIME_LIMIT to more minutes",
        detail=failed.output,
    )


def _unparsable(found: re.Match[str], requirements: Wanted, output: str) -> UserFault:
    file = found["file"]
    name = next((each for each in requirements.as_read if file.endswith(each)), file)
    text = requirements.as_read.get(name, "")
    before = text.encode()[: int(found["position"])].decode(errors="ignore")
    number = before.count("\n") + 1
    lines = text.splitlines()
    shown = lines[number - 1].strip() if number <= len(lines) else ""
    return UserFault(
        f"{shown!r} is not a requirement",
        where=f"{name}:{number}",
        remedy="write one requirement a line, like flask==3.0.3 (PEP 508)",
        detail=output,
    )


def _unbuildable(name: str, where: str, output: str) -> UserFault:
    return UserFault(
        f"{name} has no wheel for this image and cannot be built from source",
        where=where,
        remedy="take a version with a wheel, or add the libraries its compilation asks for below",
        detail=output,
    )


def _where(requirements: Wanted, name: str) -> str:
    return requirements.where(name.partition("==")[0].partition("@")[0])
