"""What the order simulator is told of a buildpack, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cnbkit.spec.build_plan import BuildpackPlan, Entry, Plan, Require

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnbkit.spec.buildpack import TargetEntry

__all__ = [
    "FAILED",
    "NONE_DETECTED",
    "NONE_DETECTED_WITH_ERRORS",
    "PASSED",
    "Candidate",
    "Provision",
    "Verdict",
]

PASSED, FAILED = 0, 100
NONE_DETECTED, NONE_DETECTED_WITH_ERRORS = 20, 21


@dataclass(frozen=True)
class Candidate:
    """A buildpack as the detector sees it.

    Args:
        plan: what its detect writes.
        code: its detect's exit status: 0 joins, 100 does not, anything else is an error.
        targets: what its buildpack.toml says; any Linux if nothing.
        exec_env: the execution environments it is for; all if empty.
    """

    plan: Plan | None = None
    code: int = PASSED
    targets: Sequence[TargetEntry] = ()
    exec_env: Sequence[str] = ()


@dataclass(frozen=True)
class Provision:
    """Who provides a name, and what is asked of them.

    Args:
        name: the name.
        providers: buildpacks, in order; the first may leave it to the next (`BuildResult.unmet`).
            Extensions come before all buildpacks.
        requires: one for each buildpack that requires it.
        by_extension: whether an extension is among them, so that no buildpack has to.
    """

    name: str
    providers: tuple[str, ...]
    requires: tuple[Require, ...]
    by_extension: bool = False


@dataclass(frozen=True)
class Verdict:
    """What the detector comes to.

    Args:
        code: 0; 20 if no group fits; 21 if that may be due to a detect that failed.
        group: the buildpacks that build, in order, named as in the order given.
        extensions: the image extensions that generate, before them.
        provisions: the build plan, by name.
        log: every decision, one line each, in the lifecycle's words.
    """

    code: int
    group: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    provisions: Mapping[str, Provision] = field(default_factory=dict)
    log: tuple[str, ...] = ()

    @property
    def detected(self) -> bool:
        """Whether there is a group that builds."""
        return self.code == PASSED

    def plan(self, buildpack: str) -> BuildpackPlan:
        """What a buildpack is given to build, if those before it leave nothing unmet.

        Args:
            buildpack: named as in `group`.
        """
        entries = [
            Entry(name=require.name, metadata=require.metadata)
            for provision in self.provisions.values()
            if provision.providers[0] == buildpack and not provision.by_extension
            for require in provision.requires
        ]
        return BuildpackPlan(entries=entries)
