"""What buildpacks that read a tool's lock have in common.

Each turns the lock into the one that the `pip` buildpack installs (PEP 751). This package is in the
folders of all of them, by a link.
"""

from __future__ import annotations

import os

from cnbkit import (
    BuildContext,
    Buildpack,
    BuildResult,
    Config,
    Decision,
    Layer,
    LayerKey,
    Option,
    Plan,
    PythonBuild,
    UserFault,
    key,
)
from cnbkit_exposed import hidden

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import ClassVar

__all__ = ["FOLDER", "FrontEnd", "Selection", "Settings"]


_LOCK = "pylock.toml"

FOLDER = "BP_PYTHON_FOLDER"
"""Names the folder of the app with the project; all Python buildpacks have it."""


class Settings(Config):
    """What may be chosen of a lock."""

    groups = Option.words("BP_PYTHON_GROUPS", help="Dependency groups besides the project's own")
    extras = Option.words("BP_PYTHON_EXTRAS", help="Extras of the project")

    @property
    def member(self) -> str:
        """The member of a workspace that is wanted; empty for the root, all most tools have."""
        return ""


class Wanted(LayerKey):
    """Everything the exported lock depends on."""

    files: list[str] = key("inputs")
    groups: list[str] = key("groups")
    extras: list[str] = key("extras")
    member: str = key("member of the workspace")
    purpose: str = key("execution environment")
    python: str = key("Python")
    target: str = key("target")


class Selection:
    """Which part of a lock is wanted, and for which Python.

    Attributes:
        groups: dependency groups besides the project's own dependencies, as the user wrote them.
        extras: of the project, likewise.
        member: of a workspace; empty for the root.
        for_tests: whether the groups `dev` and `test` are wanted where they exist.
        python: the full version, "3.11.2".
    """

    def __init__(
        self,
        groups: list[str],
        extras: list[str],
        *,
        python: str,
        member: str = "",
        for_tests: bool = False,
    ) -> None:
        self.groups = groups
        self.extras = extras
        self.python = python
        self.member = member
        self.for_tests = for_tests

    def tests(self, there: Iterable[str]) -> list[str]:
        """Groups that an image for tests gets where they exist; none for any other image."""
        return [name for name in there if self.for_tests and name.lower() in ("dev", "test")]

    def taken(self, groups: list[str], extras: list[str]) -> Selection:
        """The same with a project's own names, and without anything left to decide."""
        return Selection(groups, extras, python=self.python, member=self.member)

    def __str__(self) -> str:
        """As the end of a sentence: ", with group train, extra gpu"; empty for none."""
        parts = [f"group {name}" for name in self.groups]
        parts += [f"extra {name}" for name in self.extras]
        return f", with {', '.join(parts)}" if parts else ""


class Exported(Decision):
    """The lock for pip.

    Attributes:
        wanted: what it depends on; None if the app's packages come from elsewhere.
        told: what later buildpacks are told besides.
        path: where it is, if it was made anew.
    """

    def __init__(
        self, wanted: Wanted | None = None, told: PythonBuild | None = None, *, rest: str = ""
    ) -> None:
        super().__init__(rest=rest)
        self.wanted = wanted
        self.told = told or PythonBuild()
        self.path = ""


class FrontEnd(Buildpack[Exported]):
    """Derive, name the files, implement `export`.

    Attributes:
        file: the lock.
        project: what it was made of, which has to be there as well; empty if it may be missing.
        relock: the command that makes the lock.
    """

    repeatable = True

    # `cpython` is what other vendors' buildpacks call it.
    plan = Plan().requires("python") | Plan().requires("cpython")
    config: ClassVar[type[Settings]] = Settings
    folder = FOLDER

    file: ClassVar[str]
    project: ClassVar[str] = ""
    relock: ClassVar[str]

    lock = Layer.cached("lock")
    # Made anew each time, because what is told before it may have changed.
    told = Layer.for_build("told")

    def export(self, ctx: BuildContext, selection: Selection, path: str) -> str:
        """Write the lock for pip to a path.

        Returns:
            A line for the log: how many packages, and for what.

        Raises:
            UserFault: the lock is broken or out of step, or lacks what is selected.
        """
        raise NotImplementedError

    def inputs(self, ctx: BuildContext) -> list[str]:
        """Names of files the result depends on; those that are not there are passed over."""
        return [name for name in (self.file, self.project) if ctx.app.has(name)]

    def facts(self, ctx: BuildContext) -> list[str]:  # noqa: ARG002 - for derived classes
        """What else the result depends on, in words."""
        return []

    def decide(self, ctx: BuildContext) -> Exported:
        """Export the lock, unless the last build's is still right."""
        # The pip buildpack tells of them; until then tools might show them.
        hidden(ctx, self.inputs(ctx))
        told = PythonBuild.read(ctx)
        chosen = ",".join(told.inputs or []) or self.file
        # Of a project without its lock there is something to say.
        if chosen not in (
            self.file,
            *([self.project] if self.project in self.triggers.files else []),
        ):
            there = self.file if ctx.app.has(self.file) else self.project
            ctx.log.info(f"{there} is left alone: dependencies come from {chosen}")
            return Exported()
        told = told.with_python(ctx)
        version = told.python_version
        if ctx.dry and not version:
            return Exported(rest=f"the packages of {self.file}, which go by the version of Python")
        self._check_files(ctx)
        settings = self.config.read(ctx.settings)
        wanted = Wanted(
            files=[*_digests(ctx, self.inputs(ctx)), *self.facts(ctx)],
            groups=told.groups or list(settings.groups),
            extras=list(settings.extras),
            member=settings.member,
            purpose=ctx.exec_env,
            python=version,
            target=str(ctx.target),
        )
        decision = Exported(wanted, told)
        decision.layer(self.lock, wanted)
        lock = ctx.look(self.lock, wanted)
        path = f"{lock.directory}/{_LOCK}"
        if lock.rebuild:
            ctx.log.info(f"Reading {self.file}: {'; '.join(lock.why)}")
            selection = Selection(
                wanted.groups,
                wanted.extras,
                python=version,
                member=wanted.member,
                for_tests=ctx.exec_env == "test",
            )
            path = decision.path = f"{ctx.scratch}/{_LOCK}"
            ctx.log.info(self.export(ctx, selection, path))
        else:
            ctx.log.info(f"{self.file} unchanged: its packages are known")
        decision.tells = told.replace(lock=path)
        return decision

    def contribute(self, ctx: BuildContext, decision: Exported) -> BuildResult:
        """Keep the lock, and tell of it."""
        if decision.wanted is None:
            return decision.result
        with ctx.layer(self.lock, decision.wanted) as lock:
            path = f"{lock.directory}/{_LOCK}"
            if decision.path:
                os.replace(decision.path, path)
        with ctx.layer(self.told) as layer:
            decision.told.replace(lock=path).tell(layer)
        return decision.result

    def _check_files(self, ctx: BuildContext) -> None:
        for name, other, remedy in (
            (self.file, self.project, f"run `{self.relock}` and commit {self.file}"),
            (self.project, self.file, f"add {self.project}, or delete {self.file}"),
        ):
            if name and not ctx.app.has(name):
                raise UserFault(
                    f"there is a {other} without its {name}", where=other, remedy=remedy
                )


def _digests(ctx: BuildContext, names: list[str]) -> list[str]:
    """`name #sha256…` of each file."""
    import hashlib

    files = {name: ctx.app.bytes(name) for name in dict.fromkeys(names) if ctx.app.has(name)}
    return [f"{name} #{hashlib.sha256(data).hexdigest()}" for name, data in files.items()]
