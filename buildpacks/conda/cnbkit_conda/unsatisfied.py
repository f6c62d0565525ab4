"""Why conda's packages cannot be had, with the line to change."""

from __future__ import annotations

import difflib

from rattler import Gateway, MatchSpec, Subdir
from rattler.exceptions import SolverError

from cnbkit import UserFault
from cnbkit_conda.environment_file import EnvironmentFile, Wanted

__all__ = ["unsatisfied"]


async def unsatisfied(
    error: SolverError,
    environment: EnvironmentFile,
    gateway: Gateway,
    sources: list[str],
    platforms: list[Subdir],
) -> UserFault:
    """Why packages cannot be had together, or at all.

    Args:
        error: the solver's.
        environment: what is asked for.
        gateway: to the channels.
        sources: the channels.
        platforms: whose packages are looked at.
    """
    names = [each.source for each in await gateway.names(sources, platforms)]
    unknown = [each for each in environment.packages if each.name not in names]
    if unknown:
        faults = []
        for wanted in unknown:
            near = difflib.get_close_matches(wanted.name, names, 3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            faults.append((wanted.line, f"no channel has a package {wanted.name}{hint}"))
        return UserFault.of(
            environment.file,
            faults,
            remedy="correct the name, add the channel that has it, or move it to the pip section",
        )
    text = str(error).replace("Cannot solve the request because of: ", "", 1).strip()
    guilty = [each for each in environment.packages if _named(each, text)]
    lines = [f"{environment.where(each.line)}: {each.text}" for each in guilty]
    there = [await _versions(gateway, sources, platforms, each) for each in guilty]
    shown = [_shown(each, versions) for each, versions in zip(guilty, there, strict=True)]
    detail = "\n".join([text, *lines, *(each for each in shown if each)])
    return UserFault(
        "the packages cannot be had together",
        where=", ".join(environment.where(each.line) for each in guilty) or environment.file,
        remedy=_change(environment, guilty, there),
        detail=detail,
    )


def _named(wanted: Wanted, text: str) -> bool:
    words = text.replace(",", " ").split()
    return wanted.name in words


async def _versions(
    gateway: Gateway, sources: list[str], platforms: list[Subdir], wanted: Wanted
) -> list[str]:
    """Which versions there are, oldest first, if none of them is what is wanted."""
    found = await gateway.query(sources, platforms, [wanted.name], recursive=False)
    records = [record for group in found for record in group]
    spec = MatchSpec(wanted.text, strict=False)
    if any(spec.matches(record) for record in records):
        return []
    return [str(each) for each in sorted({record.version for record in records})]


def _shown(wanted: Wanted, versions: list[str]) -> str:
    if not versions:
        return ""
    shown = ", ".join(versions[-8:])
    return f"{wanted.name} is there as {'…, ' if len(versions) > 8 else ''}{shown}"


def _change(environment: EnvironmentFile, guilty: list[Wanted], there: list[list[str]]) -> str:
    """The one line to change, with its new text."""
    for wanted, versions in zip(guilty, there, strict=True):
        if versions:
            return f"write `{wanted.name}={versions[-1]}` in {environment.where(wanted.line)}"
    bound = [each for each in guilty if each.text.strip() != each.name]
    if not bound:
        return "take one of the packages below out, or build it into an environment of its own"
    # The solver chooses the version then; what stands later was mostly written later.
    return f"write `{bound[-1].name}`, without a version, in {environment.where(bound[-1].line)}"
