"""Which packages, in which versions and variants: from what the app declares, or its lock."""

from __future__ import annotations

from cnbkit import BuildContext, UserFault
from cnbkit_limits import Limits
from cnbkit_logins.address import split_login
from cnbkit_pip.accelerators.declared import declared_names
from cnbkit_pip.accelerators.hints import hints
from cnbkit_pip.accelerators.variant import Fitting
from cnbkit_pip.diagnosis.announced import Announced
from cnbkit_pip.engines.file_options import FileOptions
from cnbkit_pip.engines.isolation import Unisolated
from cnbkit_pip.engines.pip_tools import PipTools
from cnbkit_pip.engines.uv import Uv
from cnbkit_pip.git_version import git_version
from cnbkit_pip.resolution.built_with import with_build_settings
from cnbkit_pip.resolution.hashes import verified
from cnbkit_pip.resolution.kept import Kept
from cnbkit_pip.resolution.resolve import read_locked, resolve
from cnbkit_pip.resolution.unpublished import Unpublished
from cnbkit_pip.unused_wheels import unused_wheels
from cnbkit_python_inputs.package import Package
from cnbkit_python_inputs.project import Project, own_package
from cnbkit_python_inputs.requirements import Requirements
from cnbkit_python_inputs.wanted import Locked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import PackageRequest
    from cnbkit_indexes.sources import Sources
    from cnbkit_pip.diagnosis.survey import Survey
    from cnbkit_pip.engines.engine import Engine
    from cnbkit_python_inputs.config import PipConfig
    from cnbkit_python_inputs.interpreter import Interpreter
    from cnbkit_python_inputs.target import TargetEnvironment

__all__ = ["decide", "engine_for"]


def decide(
    ctx: BuildContext,
    config: PipConfig,
    wanted: Requirements | Project | Locked,
    engine: Engine,
    target: TargetEnvironment,
    sources: Sources,
    request: PackageRequest | None,
    survey: Survey,
    *,
    kept: str,
) -> list[Package]:
    """All packages to install, the app itself among them if it is one.

    Args:
        ctx: the build.
        config: what the person who builds has set.
        wanted: what the app declares.
        engine: resolves.
        target: what the packages are for.
        sources: where they come from.
        request: what later buildpacks ask for.
        survey: finds out what is wrong if there is no such set of packages.
        kept: folder with the lock of the last resolution; gets this one's.

    Raises:
        UserFault: there is no such set of packages, or a lock is wrong.
        PlatformFault: the index cannot be reached.
    """
    chosen = f"{kept}/pylock.hardware.toml"
    fitting = _fitting(ctx, request, sources, target, engine, wanted) if request else None
    unpublished = Unpublished(ctx, engine, target, wanted)
    announced = Announced(ctx, survey)
    try:
        if isinstance(wanted, Locked):
            packages = read_locked(engine, wanted, target, sources)
        else:
            announced.before_resolving()
            packages = resolve(ctx, engine, wanted, target, Kept(kept, config.refresh))
            announced.resolved(packages)
    except UserFault as fault:
        if fitting is None:
            raise survey.instead_of(unpublished.instead_of(fault)) from None
        try:
            packages = fitting.rescued(fault, chosen)
        except UserFault as other:
            raise survey.instead_of(unpublished.instead_of(other)) from None
    if not isinstance(wanted, Locked):
        packages = verified(packages, wanted, sources, f"{ctx.scratch}/verified")
    if fitting:
        packages = fitting.fit(packages, chosen)
    else:
        for line in hints(packages):
            ctx.log.info(line)
    if text := unpublished.warning(packages):
        ctx.log.warning(text)
    else:
        announced.before_installing(packages)
    options = FileOptions.of(wanted) if isinstance(wanted, Requirements) else FileOptions({})
    unisolated = Unisolated.of(ctx, config.no_build_isolation)
    packages = _with_own(ctx, config, wanted, packages)
    return with_build_settings(ctx, packages, options, unisolated)


def engine_for(
    ctx: BuildContext,
    config: PipConfig,
    wanted: Requirements | Project | Locked,
    python: Interpreter,
    sources: Sources,
) -> Engine:
    """What resolves and installs: uv, or pip if that was asked for (BP_PIP_ENGINE)."""
    options = FileOptions({})
    indexes: list[str] = []
    if isinstance(wanted, Requirements):
        options, indexes = FileOptions.of(wanted), wanted.indexes(ctx.env)
        for line in wanted.not_editable():
            ctx.log.info(
                f"{line.where}: installed like any other package, and not editable (-e): its code "
                "would lie outside the image's layers"
            )
        for line in wanted.without_links():
            ctx.log.warning(f"{line.where}: there is no {line.links}, and nothing is taken from it")
    for index in indexes:
        # Of an address without a login nothing is secret, and errors are about it.
        if split_login(index)[1]:
            ctx.hide(index)
    if text := unused_wheels(ctx, wanted, sources):
        ctx.log.info(text)
    more = git_version(ctx)
    limits = Limits("BP_PIP_SIZE_LIMIT", config.limit, config.size_limit)
    unisolated = Unisolated.of(ctx, config.no_build_isolation)
    if config.engine == "pip":
        if unisolated:
            raise UserFault(
                "packages that are built without isolation need uv",
                where=unisolated.said,
                remedy=f"take away BP_PIP_ENGINE=pip, or {unisolated.said}",
            )
        return PipTools(ctx, python, sources, options, more, limits=limits)
    return Uv(ctx, python, sources, indexes, options, more, unisolated, limits=limits)


def _fitting(
    ctx: BuildContext,
    request: PackageRequest,
    sources: Sources,
    target: TargetEnvironment,
    engine: Engine,
    wanted: Requirements | Project | Locked,
) -> Fitting:
    return Fitting(
        ctx,
        request,
        sources,
        target,
        engine=engine if isinstance(engine, Uv) else None,
        wanted=None if isinstance(wanted, Locked) else wanted,
        where=str(wanted),
        declared=declared_names(ctx),
    )


def _with_own(
    ctx: BuildContext,
    config: PipConfig,
    wanted: Requirements | Project | Locked,
    packages: list[Package],
) -> list[Package]:
    """With the app itself if it is a package, however the lock has it."""
    others = [each for each in packages if each.directory != ctx.app.root]
    if config.project == "none":
        return others
    editable = config.project == "editable"
    # What names the app (`-e .`, a lock) has it installed, however the app declares itself.
    named = [each.in_place(editable) for each in packages if each.directory == ctx.app.root]
    if not named and isinstance(wanted, Project):
        own = own_package(ctx, editable=editable)
        named = [own] if own else []
    # With another version its layer is another one, though no file of it has changed.
    known = [*git_version(ctx).values()]
    version = {"version": known[0]} if known else {}
    return [*others, *(Package({**each.entry, **version}) for each in named[:1])]
