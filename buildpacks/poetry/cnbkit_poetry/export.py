"""poetry.lock through Poetry's own library, as a pylock.toml.

Only Poetry's models are used: its command line would read a configuration in $HOME, open a cache
there and make an HTTP session for every index.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import tomli_w
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
from cnbkit_poetry.entry import Entries
from cnbkit_poetry.environment import environment

__all__ = ["Selection", "export"]

_LOCK = "poetry.lock"
_PROJECT = "pyproject.toml"
_FOR_TESTS = ("dev", "test")


class Selection:
    """Which part of a lock is wanted.

    Attributes:
        groups: dependency groups besides the project's own dependencies, optional ones or not.
        extras: of the project.
        for_tests: whether the groups `dev` and `test` are wanted where they exist.
    """

    def __init__(self, groups: list[str], extras: list[str], *, for_tests: bool) -> None:
        self.groups = groups
        self.extras = extras
        self.for_tests = for_tests

    def of(self, project: Project) -> Selection:
        """The same with the names a project has for these.

        Raises:
            UserFault: it has no such group or extra.
        """
        groups = sorted(
            project.package.dependency_group_names(include_optional=True) - {MAIN_GROUP}
        )
        extras = sorted(project.package.extras)
        chosen = _known(self.groups, groups, "group", "BP_PYTHON_GROUPS")
        if self.for_tests:
            chosen += [name for name in _FOR_TESTS if name in groups and name not in chosen]
        chosen_extras = _known(self.extras, extras, "extra", "BP_PYTHON_EXTRAS")
        return Selection(chosen, chosen_extras, for_tests=False)

    def __str__(self) -> str:
        parts = [f"group {name}" for name in self.groups]
        parts += [f"extra {name}" for name in self.extras]
        return f", with {', '.join(parts)}" if parts else ""


def export(ctx: BuildContext, selection: Selection, version: str, path: str) -> str:
    """Write the part of poetry.lock that this image needs as a pylock.toml.

    Args:
        ctx: the build.
        selection: the groups and extras that are wanted.
        version: of the interpreter, in full.
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
    wanted = selection.of(project)
    python = project.package.python_constraint
    if not python.allows(Version.parse(version)):
        raise UserFault(
            f"the project wants Python {project.package.python_versions}, and this image has "
            f"{version}",
            where=_PROJECT,
            remedy="choose the Python with .python-version or BP_PYTHON_VERSION, or widen the "
            f"range in {_PROJECT} and run `poetry lock`",
        )
    entries = Entries(ctx.app.root)
    target = environment(version, ctx.target)
    try:
        for package, marker in _packages(project, locker, wanted):
            if marker.validate(target):
                entries.add(package)
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
        # What Poetry's reader meets in a file that Poetry did not write like this.
        raise _damaged(f"{type(error).__name__}: {error}") from error
    if project.is_package_mode:
        entries.add_project(project.package.name)
    document = {
        "lock-version": "1.0",
        "created-by": "cnbkit/poetry",
        "packages": entries.checked(),
    }
    with open(path, "wb") as file:
        tomli_w.dump(document, file)
    return f"{len(document['packages'])} packages for Python {version}{wanted}"


def _project(ctx: BuildContext) -> Project:
    ctx.app.toml(_PROJECT)
    try:
        return Factory().create_poetry(Path(ctx.app.root))
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UserFault(
            f"Poetry cannot read {_PROJECT}",
            where=_PROJECT,
            remedy="run `poetry check` and correct what it names",
            detail=str(error),
        ) from None


def _locker(ctx: BuildContext, project: Project) -> Locker:
    import tomllib

    try:
        tomllib.loads(ctx.app.text(_LOCK))
    except tomllib.TOMLDecodeError as error:
        raise UserFault(
            f"{_LOCK} is not TOML: {error}",
            where=_LOCK,
            remedy=f"run `poetry lock` and commit its {_LOCK}; never merge it by hand",
        ) from None
    locker = Locker(Path(ctx.app.root, _LOCK), project.pyproject.data)
    try:
        fresh, _ = locker.is_fresh(), locker.lock_data
    except (AttributeError, TypeError, ValueError, RuntimeError) as error:
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


def _known(wanted: list[str], known: Sequence[str], what: str, setting: str) -> list[str]:
    names = [canonicalize_name(name) for name in wanted]
    unknown = [given for given, name in zip(wanted, names, strict=True) if name not in known]
    if unknown:
        raise UserFault(
            f"{_PROJECT} has no {what} {', '.join(unknown)}",
            where=setting,
            remedy=f"take one of these: {', '.join(known)}" if known else f"unset {setting}",
        )
    return [str(name) for name in dict.fromkeys(names)]


def _damaged(detail: str) -> UserFault:
    return UserFault(
        f"Poetry cannot read {_LOCK}",
        where=_LOCK,
        remedy=f"run `poetry lock` and commit {_LOCK}",
        detail=detail,
    )
