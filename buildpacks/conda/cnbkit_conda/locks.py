"""conda-lock.yml and pixi.lock, through rattler's own reader."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from rattler import Environment, LockFile, RepoDataRecord
from rattler.exceptions import ParseCondaLockError
from rattler.lock import PypiLockedPackage

from cnbkit import BuildContext, UserFault
from cnbkit_conda.address import public
from cnbkit_conda.choice import SUBDIRS, Input
from cnbkit_conda.config import CondaConfig

__all__ = ["read_lock"]

_FOR_TESTS = ("dev", "test")


_DEEPEST = 200


def read_lock(
    ctx: BuildContext, config: CondaConfig, chosen: Input, groups: list[str]
) -> tuple[list[RepoDataRecord], list[str]]:
    """The packages of the wanted environment.

    Returns:
        conda's, and those of pip: a JSON text each, with name, version, url or path, and sha256.

    Raises:
        UserFault: the lock cannot be read, or lacks the environment or the platform.
    """
    path = f"{ctx.app.root}/{chosen.name}"
    text = ctx.app.text(chosen.name)
    tool = "conda-lock" if chosen.kind == "conda-lock" else "pixi"
    if _nests(text):
        raise UserFault(
            f"{chosen.name} cannot be read: it is nested too deeply",
            where=chosen.name,
            remedy=f"write it anew with `{tool} lock`",
        )
    try:
        lock = LockFile.from_path(Path(path))
    except (ParseCondaLockError, OSError, ValueError) as error:
        raise UserFault(
            f"{chosen.name} cannot be read: {str(error).partition(chr(10))[0]}",
            where=chosen.name,
            remedy=f"write it anew with `{tool} lock`",
            detail=str(error),
        ) from None
    environment = _environment(config, chosen, lock)
    subdir = SUBDIRS.get(ctx.target.arch, "linux-64")
    platform = next((each for each in environment.platforms() if str(each.subdir) == subdir), None)
    if platform is None:
        there = ", ".join(sorted({str(each.subdir) for each in environment.platforms()}))
        raise UserFault(
            f"{chosen.name} has no packages for {subdir}, which this image is",
            where=chosen.name,
            remedy=f"add the platform {subdir} and run `{tool} lock`",
            detail=f"it has {there or 'none'}",
        )
    records = environment.conda_repodata_records_for_platform(platform) or []
    locked = environment.packages(platform) or []
    entries = [each for each in locked if isinstance(each, PypiLockedPackage)]
    if len(records) + len(entries) < len(locked):
        raise UserFault(
            f"{chosen.name} has packages that are built from source",
            where=chosen.name,
            remedy="build them into a channel; here only built packages are installed",
        )
    left_out = _left_out(ctx, chosen, groups, subdir) if chosen.kind == "conda-lock" else {}
    for record in records:
        ctx.hide(record.url) if public(record.url) != record.url else None
        record.url = public(record.url)
        record.channel = record.url.rsplit("/", 2)[0]  # not all locks name it
    # A package of several categories stands there once for each.
    once = {each.url: each for each in records}
    kept = [each for each in once.values() if ("conda", each.name.normalized) not in left_out]
    if left_out:
        names = ", ".join(sorted(set(left_out.values())))
        ctx.log.info(f"Packages of {names} are left out (BP_PYTHON_GROUPS adds them)")
    chosen_entries = [each for each in entries if ("pip", each.name.lower()) not in left_out]
    return kept, list(dict.fromkeys(_entry(ctx, each) for each in chosen_entries))


def _environment(config: CondaConfig, chosen: Input, lock: LockFile) -> Environment:
    if chosen.kind == "conda-lock":
        found = lock.default_environment()
    else:
        found = lock.environment(config.environment)
    if found is None:
        names = ", ".join(sorted(name for name, _ in lock.environments()))
        raise UserFault(
            f"{chosen.name} has no environment {config.environment}",
            where="BP_CONDA_ENVIRONMENT",
            remedy=f"set it to one of: {names}",
        )
    return found


def _nests(text: str) -> bool:
    """Whether it is nested as no lock is: rattler's reader takes seconds to find out."""
    depth = 0
    for found in re.finditer(r"[\[\]{}]", text):
        depth += 1 if found.group() in "[{" else -1
        if depth > _DEEPEST:
            return True
    return False


def _left_out(
    ctx: BuildContext, chosen: Input, groups: list[str], subdir: str
) -> dict[tuple[str, str], str]:
    """Categories of packages all of whose are not wanted, by manager and name.

    Rattler's reader does not tell categories.
    """
    text = ctx.app.text(chosen.name)
    # Other spellings, such as those of JSON, count as well.
    if text.count("category") == text.count("category: main"):
        return {}
    import yaml  # type: ignore[import-untyped]

    asked = {_normalised(each): each for each in groups}
    wanted = {"main", *asked, *(_FOR_TESTS if ctx.exec_env == "test" else ())}
    # Thousands of lines: libyaml's reader, where it is there, takes a tenth of the time.
    document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    packages = [each for each in document["package"] if each.get("platform") == subdir]
    categories = {_category(each) for each in packages}
    known = {_normalised(each) for each in categories}
    if missing := sorted(each for name, each in asked.items() if name not in known):
        raise UserFault(
            f"{chosen.name} has no category {', '.join(missing)}",
            where="BP_PYTHON_GROUPS",
            remedy=f"use some of: {', '.join(sorted(categories))}",
        )
    every: dict[tuple[str, str], list[str]] = {}
    for each in packages:
        every.setdefault((each["manager"], each["name"].lower()), []).append(_category(each))
    return {
        package: ", ".join(categories)
        for package, categories in every.items()
        if not wanted.intersection(map(_normalised, categories))
    }


def _category(package: dict[str, object]) -> str:
    return str(package.get("category", "main"))


def _normalised(name: str) -> str:
    """A group's name in its one spelling (PEP 735)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _entry(ctx: BuildContext, package: PypiLockedPackage) -> str:
    location = package.location
    try:
        digest = package.hashes.sha256 if package.hashes else None
    except AttributeError:  # rattler's answer where a lock has no checksum at all
        digest = None
    found: dict[str, object] = {"name": package.name, "version": package.version}
    if "://" in location:
        found["url"] = location
    else:
        found["path"] = os.path.normpath(os.path.join(ctx.app.root, location))
    if digest:
        found["sha256"] = digest.hex()
    return json.dumps(found)
