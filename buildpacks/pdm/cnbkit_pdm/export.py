"""pdm.lock through PDM's own library, as a pylock.toml.

Only its models are used: `pdm export` would look for an interpreter, make an environment in the
app and ask the index for the addresses of all files.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import canonicalize_name
from pdm.core import Core
from pdm.environments import BareEnvironment
from pdm.exceptions import PdmException
from pdm.models.repositories import LockedRepository, Package
from pdm.project import Project
from pdm.project.lockfile import FLAG_INHERIT_METADATA
from pdm.project.lockfile.base import Compatibility

from cnbkit import BuildContext, UserFault
from cnbkit_lock_front_end import Selection
from cnbkit_lock_front_end.encoding import check_mark
from cnbkit_lock_front_end.environment import environment
from cnbkit_lock_front_end.faults import no_lock, unreadable_project, wrong_python
from cnbkit_lock_front_end.lock import write_lock
from cnbkit_lock_front_end.selection import known
from cnbkit_pdm.entry import Entries
from cnbkit_pdm.reached import reached, with_files

__all__ = ["export"]

_LOCK = "pdm.lock"
_PROJECT = "pyproject.toml"
_MAIN = "default"
# What PDM's readers meet in a file that PDM did not write like this.
_WRONG = (PdmException, AttributeError, KeyError, TypeError, ValueError)


def export(ctx: BuildContext, selection: Selection, path: str) -> str:
    """Write the part of pdm.lock that this image needs as a pylock.toml.

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
    project = _project(ctx)
    version = selection.python
    target = environment(version, ctx.target)
    if not project.python_requires.contains(version):
        wanted_python = str(project.python_requires)
        words = ("requires-python",)
        raise wrong_python(ctx, wanted_python, version, _PROJECT, words, "pdm lock")
    wanted = _taken(selection, project)
    entries = Entries(ctx, project)
    try:
        document = with_files(project.lockfile.open_for_read())
        here = project.environment
        locked = LockedRepository(document, [], here, env_spec=here.allow_all_spec)
        targets = [str(each.markers_with_python()) for each in locked.targets]
        _check_targets(targets, target)
        groups = [_MAIN, *wanted.groups, *wanted.extras]
        if FLAG_INHERIT_METADATA in project.lockfile.strategy:
            packages = [*locked.evaluate_candidates(groups, evaluate_markers=False)]
        else:
            own = [each for group in groups for each in project.get_dependencies(group)]
            packages = reached(locked, own, target)
        for package in packages:
            if _applies(package, target):
                entries.add(package)
    except _WRONG as error:
        raise _damaged(f"{type(error).__name__}: {error}") from error
    if project.is_distribution:
        entries.add_project(canonicalize_name(project.name))
    return write_lock(path, "cnbkit/pdm", entries.checked(), wanted)


def _taken(selection: Selection, project: Project) -> Selection:
    """With the names a project has for these.

    Raises:
        UserFault: it has no such group or extra, or was locked without it.
    """
    extras, groups = project.split_extras_groups(sorted({*project.iter_groups()} - {_MAIN}))
    chosen = known(selection.groups, groups, "group", "BP_PYTHON_GROUPS", _PROJECT)
    chosen_extras = known(selection.extras, extras, "extra", "BP_PYTHON_EXTRAS", _PROJECT)
    locked = project.lockfile.groups or []
    for name in (*chosen, *chosen_extras):
        if name not in locked:
            raise UserFault(
                f"{_LOCK} was made without {name}",
                where=_LOCK,
                remedy=f"run `pdm lock --group :all` and commit {_LOCK}",
            )
    chosen += [name for name in selection.tests(groups) if name in locked]
    return selection.taken(list(dict.fromkeys(chosen)), chosen_extras)


def _project(ctx: BuildContext) -> Project:
    ctx.app.toml(_PROJECT)
    for name in (_PROJECT, _LOCK):
        check_mark(ctx, name, "PDM")
    try:
        tomllib.loads(ctx.app.text(_LOCK))
    except (ValueError, RecursionError) as error:  # huge numbers, deep nesting
        raise no_lock(ctx, _LOCK, "TOML", error, "pdm lock") from None
    # Nobody's configuration, and no interpreter but this one: PDM would look for one, and make
    # an environment in the app.
    try:
        project = Core().create_project(ctx.app.root, global_config=f"{ctx.scratch}/no-pdm.toml")
        project._environment = BareEnvironment(project)
        canonicalize_name(project.name) if project.is_distribution else None
    except _WRONG as error:
        raise unreadable_project(ctx, "PDM", _PROJECT, error, "pdm lock --check") from None
    try:
        project.set_lockfile(Path(ctx.app.root, _LOCK))
        compatibility = project.lockfile.compatibility()
        frozenset(project.lockfile.strategy)
        frozenset(project.lockfile.groups or [])
    except _WRONG as error:
        raise _damaged(f"{type(error).__name__}: {error}") from error
    try:
        fresh = project.is_lockfile_fresh() or _fresh_for_older(project)
    except _WRONG as error:
        raise unreadable_project(ctx, "PDM", _PROJECT, error, "pdm lock --check") from None
    if compatibility == Compatibility.NONE:
        raise _damaged("its lock_version is not one of 4.0 to 4.5")
    if not fresh:
        raise UserFault(
            f"{_LOCK} is out of step with {_PROJECT}",
            where=_LOCK,
            remedy=f"run `pdm lock` and commit {_LOCK}",
        )
    return project


def _fresh_for_older(project: Project) -> bool:
    """Whether the lock fits the project by the hash that older PDMs compute.

    Locks up to lock_version 4.4 have `overrides` in it, and not all of [tool.pdm.resolution].
    """
    algorithm, written = project.lockfile.hash
    declared = project.pyproject
    hashed = {
        "sources": declared.settings.get("source", []),
        "dependencies": declared.metadata.get("dependencies", []),
        "dev-dependencies": declared.settings.get("dev-dependencies", {}),
        "optional-dependencies": declared.metadata.get("optional-dependencies", {}),
        "requires-python": declared.metadata.get("requires-python", ""),
        "overrides": declared.resolution.get("overrides", {}),
    }
    text = json.dumps(hashed, sort_keys=True).encode()
    return algorithm == "sha256" and hashlib.sha256(text).hexdigest() == written


def _check_targets(targets: list[str], target: dict[str, str | set[str]]) -> None:
    if targets and not any(not each or Marker(each).evaluate(target) for each in targets):
        raise UserFault(
            f"{_LOCK} is not for Python {target['python_full_version']} on "
            f"{target['platform_machine']}",
            where=_LOCK,
            remedy="run `pdm lock` without --platform and --python, or once more for this one "
            "with --append",
            detail="\n".join(targets),
        )


def _applies(package: Package, target: dict[str, str | set[str]]) -> bool:
    marker = package.candidate.req.marker
    return marker is None or not str(marker) or Marker(str(marker)).evaluate(target)


def _damaged(detail: str) -> UserFault:
    return UserFault(
        f"PDM cannot read {_LOCK}",
        where=_LOCK,
        remedy=f"run `pdm lock` and commit {_LOCK}",
        detail=detail,
    )
