"""Resolving with packages bound to the index that has their build, and to no other."""

from __future__ import annotations

import os
from typing import Any

from cnbkit import BuildContext, UserFault
from cnbkit_pip.accelerators.framework import Change
from cnbkit_pip.engines.engine import Wanted
from cnbkit_pip.engines.uv import Uv
from cnbkit_pip.resolution.pins import Pins
from cnbkit_python_inputs.lock import read_entries, select
from cnbkit_python_inputs.package import Package
from cnbkit_python_inputs.target import TargetEnvironment

__all__ = ["BoundResolver"]

_PROJECT = "cnbkit-hardware"


class BoundResolver:
    """Asks uv, which reads the bonds in a project that is made for it.

    Args:
        ctx: the build.
        engine: uv.
        wanted: what the user wrote, where it may be resolved again; None for a lock.
        where: what errors call it.
    """

    def __init__(self, ctx: BuildContext, engine: Uv, wanted: Wanted | None, where: str) -> None:
        self._ctx = ctx
        self._engine = engine
        self._wanted = wanted
        self._where = where

    def packages(self, document: dict[str, Any], target: TargetEnvironment) -> list[Package]:
        """What a lock has for the target."""
        return select(self._engine.complete(document, self._where), target, self._where)

    def compiled(
        self,
        arguments: list[str],
        plan: Change,
        versions: dict[str, str],
        lock: str,
        *,
        own: dict[str, str] | None = None,
        every: bool = False,
    ) -> dict[str, Any]:
        """A lock of what the arguments say and what is bound to an index.

        Args:
            arguments: for `uv pip compile`.
            plan: what to change.
            versions: of packages, to be taken exactly.
            lock: path for it.
            own: package → index it comes from for other reasons.
            every: ask for all packages with a version, not only for those of the plan.
        """
        bound = {**(own or {}), **plan.indexes}
        direct = list(versions) if every else list(plan.indexes)
        requirements = [f"{n}=={versions[n]}" if n in versions else n for n in direct]
        requirements += [
            f"{each}=={versions[name]}" if (name := each.partition("[")[0]) in versions else each
            for each in plan.more
        ]
        folder = f"{self._ctx.scratch}/variant"
        os.makedirs(folder, exist_ok=True)
        indexes = {
            url: f"{_PROJECT}-{number}" for number, url in enumerate(sorted(set(bound.values())))
        }
        with open(f"{folder}/pyproject.toml", "wb") as file:
            import tomli_w

            project = {"name": _PROJECT, "version": "0", "dependencies": requirements}
            uv = {
                "index": [{"name": n, "url": u, "explicit": True} for u, n in indexes.items()],
                "sources": {name: {"index": indexes[url]} for name, url in bound.items()},
            }
            tomli_w.dump({"project": project, "tool": {"uv": uv}}, file)
        self._engine.compile(
            *(*arguments, f"{folder}/pyproject.toml"),
            where=self._wanted or Pins.named(self._where),
            path=lock,
            indexes={name: url for url, name in indexes.items()},
        )
        return read_entries(lock, self._where)

    def offered(self, index: str, name: str, version: str) -> bool:
        """Whether an index has a package at a version, or any, and a wheel for this target."""
        path = f"{self._ctx.scratch}/offered.txt"
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{name}=={version}\n" if version else f"{name}\n")
        lock = f"{self._ctx.scratch}/pylock.offered.toml"
        try:
            self._engine.compile(
                *(path, "--no-deps"), where=Pins.named(self._where), path=lock, only=index
            )
        except UserFault:
            return False
        return True
