"""The `pip` buildpack: what the app declares → lock → layers split by weight."""

from __future__ import annotations

from cnbkit import (
    BuildContext,
    Buildpack,
    BuildResult,
    Layer,
    OpenLayer,
    Plan,
    PythonBuild,
    Triggers,
)
from cnbkit_exposed import tell
from cnbkit_indexes.sources import Sources
from cnbkit_pip.accelerators.requests import SITE_PACKAGES, requested
from cnbkit_pip.chosen import Chosen, Inputs, Work
from cnbkit_pip.git_version import git_version
from cnbkit_pip.present import LAYERS, Present
from cnbkit_pip.provided import Provided
from cnbkit_pip.record import restore_record
from cnbkit_python_inputs.config import PipConfig
from cnbkit_python_inputs.interpreter import Interpreter
from cnbkit_python_inputs.uv_settings import uv_settings_digest
from cnbkit_python_inputs.wanted import Locked, find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_pip.layers.installed import Installed
    from cnbkit_pip.resolved import Resolved
    from cnbkit_python_inputs.project import Project
    from cnbkit_python_inputs.requirements import Requirements
    from cnbkit_python_inputs.target import TargetEnvironment

__all__ = ["Pip"]

# Of the app's files, those in which addresses stand: whichever of them is installed from, the
# image gets them all.
_WITH_ADDRESSES = (
    *("requirements*.txt", "requirements*.in", "requirements/*.txt", "requirements/*.in"),
    *("constraints*.txt", "pyproject.toml", "setup.py", "setup.cfg", "poetry.toml", "uv.toml"),
    *("pylock*.toml", "poetry.lock", "uv.lock", "pdm.lock", "Pipfile", "Pipfile.lock"),
    *("pip.conf", "pdm.toml", ".gitmodules", "project.toml", "Procfile"),
)


class Pip(Buildpack[Chosen]):
    """Installs Python packages, and the app itself if it is one."""

    repeatable = True
    triggers = Triggers(
        *("requirements.txt", "requirements.in", "pylock.toml", "pyproject.toml", "setup.py"),
        *("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "Pipfile"),
        *("environment.yml", "environment.yaml", "conda-lock.yml", "pixi.lock"),
        # The `binder` buildpack then says what to install.
        *("binder/*", ".binder/*", "postBuild", "start", "apt.txt"),
        settings=("BP_PYTHON_INPUT", "BP_CONDA_INPUT", "BP_BINDER"),
    )
    # Required by itself as well, because nobody else may want it; and who does says `build`.
    # `cpython` is what other vendors' buildpacks call it.
    plan = Plan().requires("python").provides(SITE_PACKAGES).requires(
        SITE_PACKAGES
    ) | Plan().requires("cpython").provides(SITE_PACKAGES).requires(SITE_PACKAGES)
    config = PipConfig
    folder = "BP_PYTHON_FOLDER"

    # A virtual environment that ties the packages' layers together. Its key is all inputs, so
    # while it can be re-used, so can every other layer of the previous image.
    site = Layer.launch("site")

    # The lock of the last resolution: it holds unpinned packages where they are when only
    # another line changes.
    lock = Layer.cached("lock", build=True)

    def decide(self, ctx: BuildContext) -> Chosen:
        """Resolve and split into layers, unless the previous image has exactly this."""
        config = self.config.read(ctx.settings)
        if ctx.dry and (rest := _depends(ctx)):
            return Chosen(rest=rest)
        request = requested(ctx, config.torch_index)
        wanted = find(ctx, config, request)
        if request and request.only_groups:
            request = None
        if wanted is None:
            tell(ctx, _WITH_ADDRESSES)
            ctx.log.info("No dependencies are declared")
            return Chosen()
        tell(ctx, [*(() if isinstance(wanted, Locked) else wanted.files), *_WITH_ADDRESSES])
        python = Interpreter.find(ctx)
        sources = Sources.read(ctx)
        inputs = Inputs(
            inputs=[*wanted.digests(), *Provided.of(ctx).digests()],
            python=str(python),
            target=str(ctx.target),
            settings=[
                *_settings(config, sources),
                *map("=".join, git_version(ctx).items()),
                *uv_settings_digest(ctx),
            ],
            hardware=f"{request.subject} #{request.digest()[:16]}" if request else "none",
        )
        present = Present.of(ctx)
        decision = Chosen(Work(config, wanted, python, inputs, present))
        layer = present.kind(self.site)
        decision.layer(layer, inputs)
        decision.layer(self.lock)
        site = ctx.look(layer, inputs)
        if not site.rebuild:
            decision.add_restored(ctx, site, present)
        else:
            # Imported here: a build that changes nothing does without them.
            from cnbkit_logins.files import logins_taken_out
            from cnbkit_pip.resolved import resolved, why_not

            verb = "Installing from" if isinstance(wanted, Locked) else "Resolving"
            ctx.log.info(f"{verb} {wanted}: {'; '.join(site.why)}")
            decision.rest = why_not(ctx, config, wanted, python, request)
            if not decision.rest:
                lock = ctx.look(self.lock).directory
                with logins_taken_out(ctx.app.top) as logins:
                    found = resolved(
                        ctx,
                        config,
                        wanted,
                        python,
                        sources,
                        request,
                        present,
                        logins=logins,
                        lock=lock,
                        site=site.directory,
                    )
                decision.add_resolved(found)
        if ctx.dry and not decision.rest:
            told = PythonBuild.read(ctx)
            decision.tells = told.replace(packages=decision.write_packages(ctx.scratch))
        return decision

    def contribute(self, ctx: BuildContext, decision: Chosen) -> BuildResult:
        """Install, or have the layers of the previous image."""
        work = decision.work
        if work is None:
            return decision.result
        present = work.present
        with ctx.layer(present.kind(self.site), work.inputs) as site, ctx.layer(self.lock) as lock:
            # For buildpacks that judge or describe what is installed, or run it.
            told = PythonBuild.read(ctx).replace(
                packages=f"{lock.directory}/packages.json",
                environment=f"{site.directory}/venv" if present.wanted else "",
            )
            told.tell(lock)
            if decision.resolved:
                self._install(ctx, work, decision.resolved, site, lock)
            else:
                restore_record(site, lock)
                self._reuse(ctx, work.wanted, present)
        return decision.result

    def _install(
        self, ctx: BuildContext, work: Work, resolved: Resolved, site: OpenLayer, lock: OpenLayer
    ) -> None:
        # Imported here: a build that changes nothing does without them.
        from cnbkit_logins.files import logins_taken_out
        from cnbkit_pip.diagnosis.unresolved import Uncompiled
        from cnbkit_pip.layers.contents import Shelf
        from cnbkit_pip.layers.environment import add_packages, make_environment
        from cnbkit_pip.layers.install import install
        from cnbkit_pip.layers.installed import Installed, Record
        from cnbkit_pip.resolved import give_back

        python, engine, packages = work.python, resolved.engine, resolved.packages
        give_back(ctx, lock.directory)
        environment = make_environment(site, python)
        engine.install_for(environment)
        engine.choose(packages)
        record = Record(f"{lock.directory}/packages.json")
        shelf = Shelf(f"{lock.directory}/contents.json")
        try:
            # What is built of the app has their addresses in its metadata.
            with logins_taken_out(ctx.app.top, of_files=True):
                layers = install(
                    ctx,
                    engine,
                    packages,
                    resolved.layers,
                    environment,
                    record,
                    work.present,
                    shelf,
                    slim=work.config.slim,
                )
        except Uncompiled as fault:
            raise resolved.survey.with_wheels(fault) from None
        add_packages(site, python, layers)
        site.key = site.key.replace(packages=record.lines()) if site.key else None
        if work.config.conflicts != "off":
            own = Installed.read(python.site) if python.site else []
            installed = list(record.packages.values())
            fail = work.config.conflicts == "fail"
            _check(ctx, installed, resolved.target, own, fail=fail)

    def _reuse(
        self, ctx: BuildContext, wanted: Requirements | Project | Locked, present: Present
    ) -> None:
        names = [name for name in ctx.restored_layers() if name.startswith(LAYERS)]
        for name in names:
            with ctx.layer(present.kind(Layer.launch(name))):
                pass
        refresh = (
            "" if isinstance(wanted, Locked) else " (BP_PIP_REFRESH=<new value> resolves again)"
        )
        ctx.log.info(f"{wanted} unchanged: {len(names) + 1} layers {present.from_where}{refresh}")


def _depends(ctx: BuildContext) -> str:
    """What packages go by that a plan does not know; empty if nothing does."""
    told = PythonBuild.read(ctx)
    if told.python and not told.python_version:
        return f"the packages, which go by the Python that {told.python} will be"
    return ""


def _check(
    ctx: BuildContext,
    installed: list[Installed],
    target: TargetEnvironment,
    beside: list[Installed],
    *,
    fail: bool,
) -> None:
    from cnbkit import UserFault
    from cnbkit_pip.layers.installed import conflicts

    found = conflicts(installed, target, beside)
    if found and fail:
        raise UserFault(
            f"{len(found)} packages contradict each other",
            where="the installed packages",
            remedy="correct the requirements or the lock; or set BP_PIP_CONFLICTS to warn",
            detail="\n".join(found),
        )
    for line in found:
        ctx.log.warning(line)


def _settings(config: PipConfig, sources: Sources) -> list[str]:
    """What else changes the result."""
    limits = ("BP_PIP_TIME_LIMIT", "BP_PIP_SIZE_LIMIT")
    no_matter = ("BP_PIP_CONFLICTS", *limits, "BP_PYTORCH_INDEX")
    changed = [each for each in config.changed() if not each.startswith(no_matter)]
    digest = sources.digest()
    return [*changed, f"sources of packages #{digest}"] if digest else changed
