"""poetry.lock through Poetry's own library, as a pylock.toml.

Only Poetry's models are used: its command line would read a configuration in $HOME, open a cache
there and make an HTTP session for every index.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import poetry.core  # noqa: F401 - makes the lark findable that it brings along

# isort: split
from lark.exceptions import LarkError
from packaging.utils import canonicalize_name
from poetry.core.constraints.version import Version
from poetry.core.factory import Factory
from poetry.core.packages.dependency_group import MAIN_GROUP
from poetry.core.packages.package import Package
from poetry.core.packages.utils.utils import create_nested_marker
from poetry.core.poetry import Poetry as Project
from poetry.core.version.markers import BaseMarker, parse_marker
from poetry.packages.locker import Locker
from poetry_plugin_export.walker import (  # type: ignore[import-untyped]
    get_project_dependency_packages,
    get_project_dependency_packages2,
)

from cnbkit import BuildContext, UserFault
from cnbkit_lock_front_end import Selection
from cnbkit_lock_front_end.encoding import check_mark
from cnbkit_lock_front_end.environment import environment
from cnbkit_lock_front_end.faults import no_lock, unreadable_project, wrong_python
from cnbkit_lock_front_end.lock import write_lock
from cnbkit_lock_front_end.own_code import missing_code
from cnbkit_lock_front_end.selection import known
from cnbkit_poetry.entry import Entries

__all__ = ["export"]

_LOCK = "poetry.lock"
_PROJECT = "pyproject.toml"
# As installers other than Poetry read names (PEP 508).
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
# What Poetry's readers meet in a file that Poetry did not write like this.
_WRONG = (AttributeError, LookupError, TypeError, ValueError, RuntimeError, OSError, LarkError)


def export(ctx: BuildContext, selection: Selection, path: str) -> str:
    """Write the part of poetry.lock that this image needs as a pylock.toml.

    Args:
        ctx: the build.
        selection: the groups and extras that are wanted.
        path: of the file to write.

    Returns:
        What was done, for the log.

    Raises:
        UserFault: the lock is out of step with pyproject.toml or cannot be read, is not for
            this Python, or has no such group or extra.
    """
    # Poetry tells of old spellings in pyproject.toml, past the log; they build all the same.
    logging.getLogger("poetry").addHandler(logging.NullHandler())
    project = _project(ctx)
    locker = _locker(ctx, project)
    wanted = _taken(selection, project)
    version = wanted.python
    python = project.package.python_constraint
    if not python.allows(Version.parse(version)):
        words = ("requires-python", "python =", "python=", "python ")
        versions = project.package.python_versions
        raise wrong_python(ctx, versions, version, _PROJECT, words, "poetry lock")
    entries = Entries(ctx.app)
    target = environment(version, ctx.target)
    try:
        for package, marker in _packages(project, locker, wanted):
            if marker.validate(target):
                entries.add(package)
    except _WRONG as error:
        raise _damaged(f"{type(error).__name__}: {error}") from error
    if project.is_package_mode and _has_name(ctx, project) and _has_code(ctx, project):
        entries.add_project(project.package.name)
    return write_lock(path, "cnbkit/poetry", entries.checked(), wanted)


def _taken(selection: Selection, project: Project) -> Selection:
    """With the names a project has for these.

    Raises:
        UserFault: it has no such group or extra.
    """
    names = project.package.dependency_group_names(include_optional=True) - {MAIN_GROUP}
    groups, extras = sorted(names), sorted(project.package.extras)
    chosen = known(selection.groups, groups, "group", "BP_PYTHON_GROUPS", _PROJECT)
    chosen += [name for name in selection.tests(groups) if name not in chosen]
    return selection.taken(
        chosen, known(selection.extras, extras, "extra", "BP_PYTHON_EXTRAS", _PROJECT)
    )


def _project(ctx: BuildContext) -> Project:
    ctx.app.toml(_PROJECT)
    check_mark(ctx, _PROJECT, "Poetry")
    try:
        return Factory().create_poetry(Path(ctx.app.root))
    except _WRONG as error:
        raise unreadable_project(ctx, "Poetry", _PROJECT, error, "poetry check") from None


def _has_name(ctx: BuildContext, project: Project) -> bool:
    """Whether the project's name is one of a package: Poetry alone installs it by any other."""
    name = project.package.pretty_name
    if _NAME.fullmatch(name):
        return True
    fitting = "-".join(re.findall(r"[a-z0-9]+", name.lower())) or "app"
    ctx.log.warning(
        f"{name} itself is not installed, because that is not a name of a package: write "
        f'name = "{fitting}" in {_PROJECT}, or package-mode = false below [tool.poetry]'
    )
    return False


def _has_code(ctx: BuildContext, project: Project) -> bool:
    """Whether there is something to install of the project itself.

    Apps are managed by Poetry that are not a package and do not say so: Poetry installs the others
    and then says that it cannot install this one.
    """
    missing = missing_code(ctx.app, ctx.app.toml(_PROJECT))
    if missing:
        ctx.log.warning(
            f"{project.package.name} itself is not installed: there is no folder {missing}; "
            f"package-mode = false below [tool.poetry] in {_PROJECT} says that it is not a package"
        )
    return not missing


def _locker(ctx: BuildContext, project: Project) -> Locker:
    import tomllib

    check_mark(ctx, _LOCK, "Poetry")
    try:
        tomllib.loads(ctx.app.text(_LOCK))
    except (ValueError, RecursionError) as error:  # huge numbers, deep nesting
        raise no_lock(ctx, _LOCK, "TOML", error, "poetry lock") from None
    locker = Locker(Path(ctx.app.root, _LOCK), project.pyproject.data)
    try:
        fresh, _ = locker.is_fresh(), locker.lock_data
    except _WRONG as error:
        raise _damaged(str(error)) from None
    if not fresh:
        raise UserFault(
            f"{_LOCK} is out of step with {_PROJECT}",
            where=_LOCK,
            remedy=f"run `poetry lock` and commit {_LOCK}",
        )
    return locker


def _packages(
    project: Project, locker: Locker, wanted: Selection
) -> Iterator[tuple[Package, BaseMarker]]:
    """What is locked for a selection, each with the marker it is for."""
    groups = [canonicalize_name(name) for name in (MAIN_GROUP, *wanted.groups)]
    extras = [canonicalize_name(name) for name in wanted.extras]
    if locker.is_locked_groups_and_markers():
        for found in get_project_dependency_packages2(locker, groups=groups, extras=extras):
            yield found.package, found.package.marker
        return
    # Locks before 2.1 know neither; the dependencies are followed from the project's own.
    root = project.package.with_dependency_groups(groups, only=True)
    python = parse_marker(create_nested_marker("python_version", root.python_constraint))
    for found in get_project_dependency_packages(
        locker,
        project_requires=root.all_requires,
        root_package_name=root.name,
        project_python_marker=python,
        extras=extras,
    ):
        yield found.package, found.dependency.marker


def _damaged(detail: str) -> UserFault:
    return UserFault(
        f"Poetry cannot read {_LOCK}",
        where=_LOCK,
        remedy=f"run `poetry lock` and commit {_LOCK}",
        detail=detail,
    )
