"""The `pip` buildpack: what the app declares → lock → layers split by weight."""

from __future__ import annotations

from cnbkit import (
    BuildContext,
    Buildpack,
    BuildResult,
    Layer,
    LayerKey,
    OpenLayer,
    PackageRequest,
    Plan,
    PythonBuild,
    Triggers,
    key,
    note,
)
from cnbkit_exposed import tell
from cnbkit_indexes.sources import Sources
from cnbkit_pip.accelerators.requests import SITE_PACKAGES, requested
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


class Inputs(LayerKey, version=2):
    """Everything the installed set depends on.

    While it is unchanged nothing is resolved, installed, restored or exported.
    """

    inputs: list[str] = key("inputs")
    python: str = key("Python")
    target: str = key("target")
    settings: list[str] = key("settings")
    hardware: str = key("hardware")
    # What is installed where, for builds that change nothing and have lost their cache.
    packages: list[str] = note(default_factory=list)


class Pip(Buildpack):
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

    def build(self, ctx: BuildContext) -> BuildResult:
        """Install, unless the previous image has exactly this."""
        config = self.config.read(ctx.settings)
        request = requested(ctx, config.torch_index)
        wanted = find(ctx, config, request)
        if request and request.only_groups:
            request = None
        if wanted is None:
            tell(ctx, _WITH_ADDRESSES)
            ctx.log.info("No dependencies are declared")
            return BuildResult()
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
        with ctx.layer(present.kind(self.site), inputs) as site, ctx.layer(self.lock) as lock:
            # For buildpacks that judge or describe what is installed, or run it.
            told = PythonBuild.read(ctx).replace(
                packages=f"{lock.directory}/packages.json",
                environment=f"{site.directory}/venv" if present.wanted else "",
            )
            told.tell(lock)
            if site.rebuild:
                self._install(ctx, config, wanted, python, sources, request, site, lock, present)
            else:
                restore_record(site, lock)
                self._reuse(ctx, wanted, present)
        return BuildResult()

    def _install(
        self,
        ctx: BuildContext,
        config: PipConfig,
        wanted: Requirements | Project | Locked,
        python: Interpreter,
        sources: Sources,
        request: PackageRequest | None,
        site: OpenLayer,
        lock: OpenLayer,
        present: Present,
    ) -> None:
        # Imported here: a build that changes nothing does without them.
        from cnbkit_pip.decide import decide, engine_for
        from cnbkit_pip.diagnosis.survey import Survey
        from cnbkit_pip.diagnosis.unresolved import Uncompiled
        from cnbkit_pip.layers.contents import Shelf
        from cnbkit_pip.layers.environment import add_packages, make_environment
        from cnbkit_pip.layers.install import install
        from cnbkit_pip.layers.installed import Installed, Record
        from cnbkit_python_inputs.target import TargetEnvironment

        verb = "Installing from" if isinstance(wanted, Locked) else "Resolving"
        ctx.log.info(f"{verb} {wanted}: {'; '.join(site.why)}")
        python.make_present(ctx)
        environment = make_environment(site, python)
        target = TargetEnvironment.of(ctx, environment)
        for line in sources.describe():
            ctx.log.info(line)
        for line in sources.warnings():
            ctx.log.warning(line)
        engine = engine_for(ctx, config, wanted, environment, sources)
        survey = Survey.of(ctx, config, wanted, engine, environment, target, sources)
        packages = decide(
            ctx, config, wanted, engine, target, sources, request, survey, kept=lock.directory
        )
        ctx.log.info(f"{len(packages)} packages for Python {python}")
        engine.choose(packages)
        record = Record(f"{lock.directory}/packages.json")
        try:
            shelf = Shelf(f"{lock.directory}/contents.json")
            layers = install(ctx, engine, packages, environment, record, present, shelf)
        except Uncompiled as fault:
            raise survey.with_wheels(fault) from None
        add_packages(site, python, layers)
        site.key = site.key.replace(packages=record.lines()) if site.key else None
        if config.conflicts != "off":
            own = Installed.read(python.site) if python.site else []
            installed = list(record.packages.values())
            _check(ctx, installed, target, own, fail=config.conflicts == "fail")

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
    no_matter = ("BP_PIP_CONFLICTS", "BP_PIP_TIME_LIMIT", "BP_PYTORCH_INDEX")
    changed = [each for each in config.changed() if not each.startswith(no_matter)]
    digest = sources.digest()
    return [*changed, f"sources of packages #{digest}"] if digest else changed
