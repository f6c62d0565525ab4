"""The `conda` buildpack: a file that describes an environment → one layer with it."""

from __future__ import annotations

import os

from cnbkit import (
    BuildContext,
    Buildpack,
    BuildResult,
    Decision,
    DetectContext,
    DetectResult,
    Layer,
    LayerKey,
    Log,
    OpenLayer,
    Plan,
    PythonBuild,
    Triggers,
    key,
)
from cnbkit_conda.choice import ENVIRONMENTS, FILES, PYTHON_SETTING, SETTING, Input, found
from cnbkit_conda.config import CondaConfig
from cnbkit_conda.kept import Kept
from cnbkit_conda.places import public_digests
from cnbkit_conda.virtual import virtual_packages
from cnbkit_exposed import tell
from cnbkit_process_groups import ProcessGroups

__all__ = ["Conda"]

_REQUIREMENTS = "requirements.txt"
# Set by the program this buildpack leaves for those who need its environment after all.
_RESTORE = "CNBKIT_CONDA_RESTORE"


class Inputs(LayerKey, version=2):
    """Everything the set of packages depends on, and in which form later buildpacks are told."""

    inputs: list[str] = key("inputs")
    channels: list[str] = key("channels")
    virtual: list[str] = key("virtual packages")
    target: str = key("target")
    settings: list[str] = key("settings")


class Environment(LayerKey):
    """What the environment's layer holds."""

    packages: list[str] = key("packages")
    target: str = key("target")


class Variables(LayerKey):
    """What the layer with the file's `variables` holds."""

    variables: list[str] = key("variables")


_BINDERS = tuple(f"{folder}/{name}" for folder in ("binder", ".binder") for name in ENVIRONMENTS)


class Chosen(Decision):
    """The file, and all that its solution depends on.

    Attributes:
        config: what the person who builds has set.
        chosen: the file.
        groups: dependency groups of the process.
        wanted: the key.
    """

    def __init__(
        self, config: CondaConfig, chosen: Input, groups: ProcessGroups, wanted: Inputs
    ) -> None:
        super().__init__()
        self.config = config
        self.chosen = chosen
        self.groups = groups
        self.wanted = wanted


class Conda(Buildpack[Chosen]):
    """Makes a conda environment with py-rattler: no conda is needed, nor in the image."""

    repeatable = True

    # What lies in a folder of Binder's is for the `binder` buildpack to ask for.
    triggers = Triggers(*FILES, *_BINDERS, settings=(SETTING,))
    config = CondaConfig
    folder = "BP_PYTHON_FOLDER"

    # The packages of the last solution, which hold theirs where only another line changes.
    lock = Layer.cached("lock")
    # What there is to tell later buildpacks. Its key is all inputs: while it is kept, nothing is
    # read.
    choice = Layer.cached("choice")
    # The prefix. Re-used from the previous image, it is not even there during the build; who
    # needs it then runs the program that later buildpacks are told of.
    environment = Layer.launch("environment")
    # Unpacked packages, if they are wanted for the next build.
    packages = Layer.cached("packages")
    # What they are told, made anew each time: the groups go by the process as well.
    told = Layer.for_build("told")
    # After the environment in the alphabet, and so in the order of what is set at launch.
    variables = Layer.launch("variables")

    def detect(self, ctx: DetectContext) -> DetectResult:
        """Join if a file describes an environment, unless another is chosen as Python's input."""
        chosen = ctx.settings.get(PYTHON_SETTING)
        if chosen and chosen not in FILES and not ctx.settings.get(SETTING):
            return ctx.skip(f"{PYTHON_SETTING} is {chosen}")
        setting = ctx.settings.get(SETTING)
        names = [setting] if setting else found(ctx)
        binders = [name for name in _BINDERS if ctx.app.has(name)]
        if not names and not binders:
            there = self.triggers.found(ctx)
            return ctx.skip(
                f"{there} is not a list for this" if there else f"none of {self.triggers}"
            )
        # Required by itself as well: an environment without Python has its use.
        plan = Plan().provides("python").requires("python")
        # Required by itself as well, because nobody else may want it.
        plan = plan.provides("conda-environment").requires("conda-environment")
        asked = plan.requires("binder-conda")
        if not names:
            return ctx.join(f"found {binders[0]}", asked)
        plan = asked | plan
        return ctx.join(f"{SETTING} is set" if setting else f"found {names[0]}", plan)

    def decide(self, ctx: BuildContext) -> Chosen:
        """Which file describes the environment, and whether anything changed.

        What that comes to is solved in the build: it takes the channels' lists, and minutes.
        """
        config = self.config.read(ctx.settings)
        tell(ctx, FILES, "conda or netrc")
        chosen = Input.choose(ctx, config.input)
        groups = ProcessGroups.read(ctx, config.process_groups, "conda-environment")
        if groups.reason:
            ctx.log.info(groups.reason)
        wanted = Inputs(
            inputs=_digests(ctx, chosen),
            channels=public_digests(ctx),
            virtual=virtual_packages(ctx, config),
            target=str(ctx.target),
            settings=_settings(ctx, config, chosen, groups.groups),
        )
        decision = Chosen(config, chosen, groups, wanted)
        decision.layer(self.lock)
        decision.layer(self.choice, wanted)
        if ctx.dry:
            self._plan(ctx, decision)
        return decision

    def _plan(self, ctx: BuildContext, decision: Chosen) -> None:
        """Name what is known without a solution."""
        choice = ctx.look(self.choice, decision.wanted)
        kept = Kept(ctx.look(self.lock).directory)
        if choice.rebuild or not kept.complete:
            from cnbkit_conda.planned import planned, planned_variables

            chosen = decision.chosen
            named = planned(ctx, decision.config, chosen, decision.groups.groups)
            for each in named:
                decision.package(
                    each.name, each.version, size=each.size, layer=self.environment.name
                )
            decision.rest = f"the packages of {chosen.name}, which are solved in the build"
            if chosen.kind != "environment":
                decision.rest = f"what the packages of {chosen.name} bring for Python"
            environment = ctx.look(self.environment)
            decision.layer(self.environment, why=choice.why or ["its lock was lost"])
            self._plan_variables(decision, planned_variables(ctx, chosen))
            python = f"{environment.directory}/bin/python3"
            decision.tells = PythonBuild.read(ctx).replace(python=python)
            return
        decision.layer(self.environment, _environment(ctx, kept))
        self._plan_variables(decision, kept.variables)
        for line in kept.packages:
            name, version, *_ = [*line.split(), ""]
            decision.package(name, version, layer=self.environment.name)
        decision.tells = decision.groups.added_to(PythonBuild.load(choice.directory))

    def _plan_variables(self, decision: Chosen, lines: list[str]) -> None:
        if lines:
            decision.layer(self.variables, Variables(variables=lines))

    def build(self, ctx: BuildContext) -> BuildResult:
        """Build, or have the environment again for whoever asks with the program it left."""
        if ctx.env.get(_RESTORE):
            self._restore(ctx, self.config.read(ctx.settings))
            return BuildResult()
        return super().build(ctx)

    def contribute(self, ctx: BuildContext, decision: Chosen) -> BuildResult:
        """Solve, install and tell, as far as anything changed."""
        config, chosen, groups = decision.config, decision.chosen, decision.groups
        wanted = decision.wanted
        with ctx.layer(self.lock) as lock, ctx.layer(self.choice, wanted) as choice:
            kept = Kept(lock.directory)
            solve = choice.rebuild or not kept.complete
            if solve:
                from cnbkit_conda.resolve import resolve

                ctx.log.info(f"{chosen.reason}: {'; '.join(choice.why) or 'its lock was lost'}")
                resolve(ctx, config, chosen, groups.groups, wanted.virtual, kept)
            if config.keep_packages:  # each time, or the cache forgets them
                with ctx.layer(self.packages):
                    pass
            with ctx.layer(self.environment, _environment(ctx, kept)) as environment:
                if environment.rebuild:
                    self._install(ctx, config, chosen, kept, environment)
            self._set_variables(ctx, kept)
            if solve:
                from cnbkit_conda.python import describe

                describe(ctx, chosen, kept, choice, environment.directory).write(choice.directory)
            elif not environment.rebuild:
                count = len(kept.packages)
                again = "" if chosen.kind != "environment" else _AGAIN
                ctx.log.info(
                    f"{chosen.name} unchanged: {Log.counted(count, 'package')} as before{again}"
                )
            before = PythonBuild.read(ctx).others
            with ctx.layer(self.told) as layer:
                told = PythonBuild.load(choice.directory)
                told = groups.added_to(told).replace(others={**before, **told.others})
                told.tell(layer)
        return decision.result

    def _install(
        self,
        ctx: BuildContext,
        config: CondaConfig,
        chosen: Input,
        kept: Kept,
        environment: OpenLayer,
    ) -> None:
        from cnbkit_conda.install import install

        layers = os.path.dirname(ctx.scratch) if config.keep_packages else ctx.scratch
        install(ctx, chosen, kept, environment, f"{layers}/{self.packages.name}")

    def _set_variables(self, ctx: BuildContext, kept: Kept) -> None:
        if not kept.variables:
            return
        wanted = Variables(variables=kept.variables)
        with ctx.layer(self.variables, wanted) as layer:
            if layer.rebuild:
                for line in kept.variables:
                    name, _, value = line.encode().decode("unicode_escape").partition("=")
                    layer.env.launch.override(name, value)

    def _restore(self, ctx: BuildContext, config: CondaConfig) -> None:
        """Make the environment's layer although the previous image has it."""
        chosen = Input.choose(ctx, config.input)
        layers = os.path.dirname(ctx.scratch)
        kept = Kept(f"{layers}/{self.lock.name}")
        if os.path.exists(f"{layers}/{self.environment.name}.toml"):
            os.unlink(f"{layers}/{self.environment.name}.toml")
        with ctx.layer(self.environment, _environment(ctx, kept)) as environment:
            self._install(ctx, config, chosen, kept, environment)


_AGAIN = " (BP_CONDA_REFRESH=<new value> solves again)"


def _environment(ctx: BuildContext, kept: Kept) -> Environment:
    return Environment(packages=kept.packages, target=str(ctx.target))


def _digests(ctx: BuildContext, chosen: Input) -> list[str]:
    import hashlib

    names = [chosen.name]
    # Taken for the pip section where there is none.
    if chosen.kind == "environment" and ctx.app.has(_REQUIREMENTS):
        names.append(_REQUIREMENTS)
    return [f"{name} #{hashlib.sha256(ctx.app.bytes(name)).hexdigest()[:24]}" for name in names]


def _settings(
    ctx: BuildContext, config: CondaConfig, chosen: Input, groups: list[str]
) -> list[str]:
    """What else changes the result; how packages are fetched does not."""
    no_matter = (
        *("BP_CONDA_KEEP_PACKAGES=", "BP_CONDA_CUDA=", "BP_CONDA_GLIBC="),
        "BP_PROCESS_GROUPS=",
    )
    found = [each for each in config.changed() if not each.startswith(no_matter)]
    if chosen.kind == "conda-lock":
        found += [f"BP_PYTHON_GROUPS={','.join(groups)}"] if groups else []
        found += ["for tests"] if ctx.exec_env == "test" else []
    return found
