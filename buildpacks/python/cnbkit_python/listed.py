"""Whether the lists of pyproject.toml are lists of requirements, told before a tool fails."""

from __future__ import annotations

import re

from cnbkit import UserFault
from cnbkit_locked.entries import normalised
from cnbkit_python.pyproject import FILE, Pyproject, line_of, table

__all__ = ["check_lists"]

# As Poetry writes versions.
_CARET = re.compile(r"(?P<name>[\w.-]+(?:\[[^\]]*\])?)\s*[\^~]\s*(?P<version>\d[\w.]*)")
_ASSIGNED = re.compile(r"(?P<name>[\w.-]+(?:\[[^\]]*\])?)\s*=\s*(?P<version>\d[\w.]*)")


def check_lists(pyproject: Pyproject, *, alone: bool) -> None:
    """See that each is a list, of requirements, and includes groups that are there.

    Args:
        pyproject: the app's.
        alone: whether its folder is all that is built, and no folder above it.

    Raises:
        UserFault: one is not.
    """
    project, groups = pyproject.project, table(pyproject.document, "dependency-groups")
    lists = {"dependencies": project.get("dependencies", [])}
    lists |= table(project, "optional-dependencies")
    lists |= groups
    known = {normalised(name) for name in groups}
    for name, entries in lists.items():
        if not isinstance(entries, list):
            raise UserFault(
                f"{name} is not a list of requirements",
                where=f"{FILE}:{line_of(pyproject.text, name)}",
                remedy=f'write {name} = ["{_example(entries)}"], and each requirement in quotes',
            )
        for entry in entries:
            included = entry.get("include-group") if isinstance(entry, dict) else None
            if isinstance(included, str) and name in groups:
                if normalised(included) not in known:
                    raise UserFault(
                        f"there is no group {included}, which {name} includes",
                        where=f"{FILE}:{line_of(pyproject.text, included)}",
                        remedy=f"correct the name, or add `{included} = […]` below "
                        "[dependency-groups]",
                    )
            elif isinstance(entry, str):
                _check(pyproject, name, entry)
    if alone:
        _check_members(pyproject, lists["dependencies"])


def _check(pyproject: Pyproject, name: str, entry: str) -> None:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(entry)
    except InvalidRequirement as error:
        remedy = f"correct it: {str(error).splitlines()[0]}"
        if found := _CARET.fullmatch(entry.strip()):
            remedy = f'write "{found["name"]}>={found["version"]}"'
        elif found := _ASSIGNED.fullmatch(entry.strip()):
            remedy = f'write "{found["name"]}=={found["version"]}"'
        raise UserFault(
            f"{entry!r} in {name} is not a requirement",
            where=f"{FILE}:{line_of(pyproject.text, entry)}",
            remedy=remedy,
        ) from None


def _check_members(pyproject: Pyproject, dependencies: list[object]) -> None:
    """See that no dependency is another project of a workspace, whose root is elsewhere."""
    if table(pyproject.document, "tool", "uv", "workspace"):
        return
    sources = table(pyproject.document, "tool", "uv", "sources")
    members = {normalised(name) for name in sources if table(sources, name).get("workspace")}
    for entry in dependencies:
        name = re.match(r"[\w.-]*", str(entry))
        if name and normalised(name[0]) in members:
            project = pyproject.project.get("name")
            raise UserFault(
                f"{name[0]} is a member of a uv workspace, whose root is not in this folder",
                where=f"{FILE}:{line_of(pyproject.text, name[0])}",
                remedy=f"build the workspace's root, with its uv.lock and BP_UV_PACKAGE={project}",
            )


def _example(entries: object) -> str:
    if isinstance(entries, dict) and entries:
        return str(next(iter(entries)))
    return entries if isinstance(entries, str) else "flask"
