"""Packages made fit for the hardware: framework wheels of the right build, no more and no less.

The packages as the lock or the default index has them come first: they say which CUDA they are
for, and what it weighs. Where that is not what is wanted, uv resolves once more, with the
framework's packages bound to the index that has them for this hardware, and to no other: an
extra index would be asked for everything.
"""

from __future__ import annotations

import os

from cnbkit import BuildContext, PackageRequest, PlatformFault, UserFault
from cnbkit_indexes.sources import Sources
from cnbkit_pip.accelerators.bound import BoundResolver
from cnbkit_pip.accelerators.framework import Change, Decision, builds_of, index_of, public
from cnbkit_pip.accelerators.report import advise, names, tell
from cnbkit_pip.accelerators.runtime import serves_only
from cnbkit_pip.accelerators.weight import weighed
from cnbkit_pip.engines.engine import Wanted
from cnbkit_pip.engines.uv import Uv
from cnbkit_python_inputs.package import Package
from cnbkit_python_inputs.target import TargetEnvironment

__all__ = ["Fitting"]


class Fitting:
    """Makes packages fit.

    Args:
        ctx: the build.
        request: what later buildpacks ask for.
        sources: where packages come from.
        target: what the packages have to fit besides.
        engine: resolves; None if it is one that cannot bind a package to an index.
        wanted: what the user wrote, where it may be resolved again; None for a lock.
        where: what errors call it.
        declared: names the app declares itself: none of them falls away.
    """

    def __init__(
        self,
        ctx: BuildContext,
        request: PackageRequest,
        sources: Sources,
        target: TargetEnvironment,
        *,
        engine: Uv | None,
        wanted: Wanted | None,
        where: str,
        declared: frozenset[str] = frozenset(),
    ) -> None:
        self._declared = declared
        self._ctx = ctx
        self._request = request
        self._sources = sources
        self._target = target
        self._bound = BoundResolver(ctx, engine, wanted, where) if engine else None
        self._wanted = wanted
        self._where = where

    def fit(self, packages: list[Package], lock: str) -> list[Package]:
        """The packages for this hardware; said in the log, with the bytes it saves or costs.

        Args:
            packages: as they would be without it.
            lock: path of the lock of the last time, to be kept.

        Raises:
            UserFault: a package is not what its name says, or is not published for this
                hardware; names the versions that are.
            PlatformFault: an index cannot be reached.
        """
        self._refuse(packages)
        machine = str(self._target.markers["platform_machine"])
        plan = Decision(self._request, machine, self._where, self._offered).decide(packages)
        log = self._ctx.log
        if not plan:
            if plan.reason:
                log.info(f"{self._request.subject}: {plan.reason}")
            return self._advised(weighed(packages, self._sources))
        if self._bound is None:
            raise UserFault(
                f"pip cannot take {names(plan.indexes or packages)} from an index for "
                f"{self._request.subject}, and everything else from another",
                where="BP_PIP_ENGINE",
                remedy="leave BP_PIP_ENGINE out: uv can",
            )
        before = weighed(packages, self._sources)
        try:
            after = self._resolved(packages, plan, lock)
        except PlatformFault as fault:
            fault.remedy = (
                f"{fault.remedy}; wheels for {self._request.subject} come from "
                f"{', '.join(sorted(set(plan.indexes.values())))}: where that cannot be reached, "
                "set BP_PYTORCH_INDEX to a mirror"
            )
            raise
        after = weighed(after, self._sources)
        tell(log, self._request, plan, before, after)
        return self._advised(after)

    def rescued(self, fault: UserFault, lock: str) -> list[Package]:
        """What could not be resolved by the default index, if that was for the hardware's sake.

        A build named in a version (`torch==2.8.0+cu126`), and packages that the default index
        has no more than placeholders of, are bound to their index from the start.

        Args:
            fault: why it could not.
            lock: path of the lock of the last time, to be kept.

        Raises:
            UserFault: it has another reason; that one, with what the hardware has to do with it.
            PlatformFault: an index cannot be reached.
        """
        self._explain(fault)
        wanted, request, plan = self._wanted, self._request, Change()
        bound = self._bound
        if wanted is None or bound is None:
            raise fault
        asked = [(each.url, each.packages) for each in request.indexes]
        for framework in request.frameworks:
            builds = [framework.only] if framework.only else builds_of(framework, request.runtime)
            if len(builds) == 1:
                [plan.build] = builds
                plan.index = index_of(framework, plan.build)
                asked.append((plan.index, framework.packages))
        for url, found in asked:
            # Where a line names them.
            plan.indexes.update({name: url for name in found if ":" in wanted.where(name)})
        if not plan.indexes:
            raise fault
        try:
            document = bound.compiled(wanted.arguments(), plan, {}, lock)
        except UserFault:
            raise fault from None
        return bound.packages(document, self._target)

    def _explain(self, fault: UserFault) -> None:
        """Say what to do about a package that has no wheels for this Python any more."""
        minor = int(str(self._target.markers["python_version"]).partition(".")[2])
        text = f"{fault.what} {fault.detail} {fault.where}"
        for each in self._request.endings:
            if minor > int(each.python.partition(".")[2]) and each.package in text:
                fault.remedy = (
                    f"{each.package} has no wheels after Python {each.python}: take "
                    f"{each.instead}, or set BP_PYTHON_VERSION={each.python}"
                )

    def _advised(self, packages: list[Package]) -> list[Package]:
        advise(self._ctx.log, self._request, packages)
        return packages

    def _refuse(self, packages: list[Package]) -> None:
        present = {each.name for each in packages}
        bad = [each for each in self._request.refusals if each.package in present]
        if bad:
            lines = [f"{each.package}: {each.reason}" for each in bad]
            raise UserFault(
                f"{' and '.join(each.package for each in bad)} is not what its name says",
                where=", ".join(self._place(each.package) for each in bad),
                remedy="take it out of the dependencies",
                detail="\n".join(lines),
            )

    def _resolved(self, packages: list[Package], plan: Change, lock: str) -> list[Package]:
        wanted, bound = self._wanted, self._bound
        assert bound is not None
        if wanted is None or wanted.allowed_hashes():
            return self._locked(bound, packages, plan)
        versions = {each.name: public(each.version) for each in packages}
        try:
            # The versions that there would be without the choice, if this index has them.
            document = bound.compiled(wanted.arguments(), plan, versions, lock)
        except UserFault:
            if not plan.indexes:
                raise
            try:
                document = bound.compiled(wanted.arguments(), plan, {}, lock)
            except UserFault as fault:
                raise self._not_published(plan, packages, fault) from None
            self._ctx.log.info(
                f"{names(plan.indexes)} {versions.get(next(iter(plan.indexes)), '')} is not "
                f"published for {plan.build or self._request.subject}: another version is taken"
            )
        return bound.packages(document, self._target)

    def _locked(self, bound: BoundResolver, packages: list[Package], plan: Change) -> list[Package]:
        """A lock's packages at its versions; only what the accelerator is about is exchanged."""
        kept = [
            each
            for each in packages
            if each.name not in plan.indexes
            and (each.name in self._declared or not serves_only(each.name, self._request.serving))
        ]
        asked = [each for each in kept if _indexed(each)]
        overrides = f"{self._ctx.scratch}/overrides.txt"
        with open(overrides, "w", encoding="utf-8") as file:
            # An override is from no index in particular, and has no extras.
            extended = {each.partition("[")[0] for each in plan.more}
            lines = [
                f"{each.name}=={each.version}\n"
                for each in asked
                if "index" not in each.entry and each.name not in extended
            ]
            file.write("".join(lines))
        excluded = f"{self._ctx.scratch}/excluded.txt"
        with open(excluded, "w", encoding="utf-8") as file:
            file.write("".join(f"{each.name}\n" for each in kept if not _indexed(each)))
        versions = {
            each.name: public(each.version) if each.name in plan.indexes else each.version
            for each in [*asked, *(p for p in packages if p.name in plan.indexes)]
        }
        own = {e.name: str(e.entry["index"]) for e in asked if "index" in e.entry}
        options = ["--override", overrides]
        if os.path.getsize(excluded):
            options += ["--excludes", excluded]
        lock = f"{self._ctx.scratch}/pylock.variant.toml"
        try:
            document = bound.compiled(options, plan, versions, lock, own=own, every=True)
        except UserFault as fault:
            raise self._not_published(plan, packages, fault) from None
        old = {each.name for each in kept}
        found = bound.packages(document, self._target)
        new = [each for each in found if each.name not in old]
        return [*kept, *new]

    def _offered(self, index: str, name: str, version: str) -> bool:
        return self._bound is not None and self._bound.offered(index, name, version)

    def _not_published(self, plan: Change, packages: list[Package], fault: UserFault) -> UserFault:
        """Why there is no such build, with those there are."""
        target = self._target.markers
        family = [each for each in packages if each.name in plan.indexes and plan.build]
        for package in family:
            version = public(package.version)
            if self._offered(plan.indexes[package.name], package.name, version):
                continue
            having = [
                each
                for framework in self._request.frameworks
                for each in framework.builds
                if each != plan.build
                and self._offered(index_of(framework, each), package.name, version)
            ]
            there = f"; it is for {', '.join(having)}" if having else ""
            return UserFault(
                f"{package.name} {version} is not published for {plan.build}, Python "
                f"{target['python_version']} and {target['platform_machine']}{there}",
                where=f"{self._place(package.name)} (from {plan.indexes[package.name]})",
                remedy=f"choose one of these in hardware.txt, or another version of {package.name}"
                if having
                else f"choose another version of {package.name}",
                detail=fault.detail,
            )
        for package in family:
            if "+" in package.version and not package.version.endswith(f"+{plan.build}"):
                return UserFault(
                    f"{package.name} {package.version} names a build itself, and "
                    f"{self._request.subject} asks for another",
                    where=self._place(package.name),
                    remedy=f"write {package.name}=={public(package.version)}, and leave the build "
                    "to hardware.txt",
                    detail=fault.detail,
                )
        return fault

    def _place(self, name: str) -> str:
        return self._wanted.where(name) if self._wanted else f"{self._where} ({name})"


def _indexed(package: Package) -> bool:
    return not any(kind in package.entry for kind in ("vcs", "directory", "archive"))
