"""The `python` buildpack: which interpreter and which dependencies, and why."""

from __future__ import annotations

from time import gmtime, strftime

from cnbkit import (
    BuildContext,
    Buildpack,
    BuildResult,
    Decision,
    Layer,
    LayerKey,
    Plan,
    PlatformFault,
    PythonBuild,
    UserFault,
    key,
    note,
)
from cnbkit_process_groups import ProcessGroups
from cnbkit_python.base import base_python
from cnbkit_python.config import PythonConfig
from cnbkit_python.constraint import request as narrowed
from cnbkit_python.input import Input
from cnbkit_python.request import VersionRequest
from cnbkit_python.wheels import fitting
from cnbkit_python_releases import outlived

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_python.builds import Build

__all__ = ["Python"]


# Where nothing asks for a version and the run image is not known to have one: old enough for
# every scientific package to have wheels, and supported for years.
_DEFAULT = "3.12"
# Of cnbkit's base images; a builder without one of them has no record of its Python.
_BASES = {"3.13": "trixie", "3.11": "bookworm"}


class Interpreter(LayerKey):
    """What the standalone interpreter's layer depends on."""

    request: str = key("requested Python")
    target: str = key("target")
    mirror: str = key("mirror")
    downloads: str = key("list of builds")
    build: str = key("build")
    installed: str = note(default="")


class Command(LayerKey):
    """What the layer with the command `python` depends on."""

    program: str = key("Python of the base image")


class Standalone:
    """An interpreter that the base image has not.

    Attributes:
        config: where builds come from.
        request: what asks for it.
        base: version of the base image's; empty if it has none.
        wanted: the key of its layer.
        build: the one to take; None to choose from the list that BP_PYTHON_DOWNLOADS names.
    """

    def __init__(
        self,
        config: PythonConfig,
        request: VersionRequest,
        base: str,
        wanted: Interpreter,
        build: Build | None,
    ) -> None:
        self.config = config
        self.request = request
        self.base = base
        self.wanted = wanted
        self.build = build


class Chosen(Decision):
    """Which interpreter, and why.

    Attributes:
        request: what asks for it.
        standalone: the one to install; None for the base image's.
        told: what later buildpacks are told; without the version if that is not known yet.
    """

    def __init__(
        self,
        request: VersionRequest,
        standalone: Standalone | None,
        told: PythonBuild,
        *,
        rest: str,
    ) -> None:
        super().__init__(tells=told, rest=rest)
        self.request = request
        self.standalone = standalone
        self.told = told


class Python(Buildpack[Chosen]):
    """Provides `python`: the base image's where it satisfies the request, else a standalone one."""

    repeatable = True
    plan = Plan().provides("python")
    config = PythonConfig
    folder = "BP_PYTHON_FOLDER"

    # What later buildpacks need to know; made anew each time, which costs nothing.
    choice = Layer.for_build("choice")
    interpreter = Layer.cached("interpreter", build=True, launch=True)
    # Debian has `python3` alone. Where packages are installed their environment has `python`.
    command = Layer.launch("command")

    def decide(self, ctx: BuildContext) -> Chosen:
        """Choose the interpreter and the files that say which packages are wanted."""
        config = self.config.read(ctx.settings)
        chosen = Input.choose(ctx, config.input)
        request = VersionRequest.read(ctx, config.version, chosen.names)
        base = base_python()
        request = fitting(ctx, request, base, chosen.names)
        standalone = None
        if base and request.satisfied_by(base) and not config.standalone:
            version, path = base, "/usr/bin/python3"
            ctx.log.info(f"Python {version} of the base image, {request.reason}")
        else:
            asked = _requested(request, base)
            build = None if config.downloads else _known(asked, ctx.target.arch, request)
            wanted = Interpreter(
                request=asked,
                target=str(ctx.target),
                mirror=config.mirror,
                downloads=config.downloads,
                build=build.release if build else "",
            )
            standalone = Standalone(config, request, base, wanted, build)
            layer = ctx.look(self.interpreter, wanted)
            path = f"{layer.directory}/bin/python3"
            version = build.version if build else ""
            if layer.rebuild:
                has = f"the base image has {base}" if base else "the base image has none"
                ctx.log.info(
                    f"Standalone Python {wanted.build or asked}, {request.reason} ({has}): "
                    f"{'; '.join(layer.why)}"
                )
        for line in request.notes:
            ctx.log.info(line)
        if version:
            _judge(ctx, request, version)
        if chosen.reason:
            ctx.log.info(chosen.reason)
        groups = ProcessGroups.read(ctx, config.process_groups, "python")
        if groups.reason:
            ctx.log.info(groups.reason)
        told = groups.added_to(PythonBuild.read(ctx))
        decision = Chosen(
            request,
            standalone,
            told.replace(python=path, python_version=version, inputs=chosen.names),
            rest="" if version else "which Python that BP_PYTHON_DOWNLOADS lists it is",
        )
        if standalone:
            decision.layer(self.interpreter, standalone.wanted)
        elif not chosen.names:
            decision.layer(self.command, Command(program=path))
        return decision

    def contribute(self, ctx: BuildContext, decision: Chosen) -> BuildResult:
        """Install the interpreter if need be, and tell the later buildpacks."""
        document = decision.told
        if decision.standalone:
            version = self._install(ctx, decision.standalone)
            if not document.python_version:
                _judge(ctx, decision.request, version)
                document = document.replace(python_version=version)
        elif not document.inputs:
            self._name(ctx, document.python)
        with ctx.layer(self.choice) as choice:
            document.tell(choice)
        return decision.result

    def _name(self, ctx: BuildContext, program: str) -> None:
        """Have the base image's interpreter by the name that most commands use."""
        with ctx.layer(self.command, Command(program=program)) as layer:
            if layer.rebuild:
                import os

                os.mkdir(f"{layer.directory}/bin")
                os.symlink(program, f"{layer.directory}/bin/python")

    def _install(self, ctx: BuildContext, chosen: Standalone) -> str:
        from cnbkit_python.standalone import install, installed_version

        asked, build = chosen.wanted.request, chosen.build
        with ctx.layer(self.interpreter, chosen.wanted) as layer:
            if layer.rebuild:
                with ctx.log.timed(f"Installing Python {build.version if build else asked}"):
                    try:
                        install(ctx, chosen.config, asked, build, layer.directory)
                    except PlatformFault as fault:
                        raise _with_bases(fault, chosen.base, chosen.request) from None
            version = installed_version(layer.directory)
            ctx.log.info(f"Python {version} ({'installed' if layer.rebuild else 'from cache'})")
        return version


def _judge(ctx: BuildContext, request: VersionRequest, version: str) -> None:
    for line in request.contradicted_by(version):
        ctx.log.warning(line)
    if old := outlived(version, strftime("%Y-%m-%d", gmtime())):
        ctx.log.warning(old)


def _with_bases(fault: PlatformFault, base: str, request: VersionRequest) -> PlatformFault:
    """The fault, and which versions are there without a download."""
    if request.otherwise:
        remedy = f"{fault.remedy}; {request.otherwise}"
        return PlatformFault(fault.what, where=fault.where, remedy=remedy, detail=fault.detail)
    if not base:
        return fault
    minor = ".".join(base.split(".")[:2])
    other = next(
        (f"; cnbkit's base {_BASES[each]} has {each}" for each in _BASES if each != minor), ""
    )
    remedy = (
        f"{fault.remedy}; or ask for {minor} in {request.source}: the base image has {base}{other}"
    )
    return PlatformFault(fault.what, where=fault.where, remedy=remedy, detail=fault.detail)


def _known(asked: str, arch: str, request: VersionRequest) -> Build:
    """The newest build of what is asked for.

    Raises:
        UserFault: there is none.
    """
    from cnbkit_python.builds import known_minors, newest

    found = newest(asked, arch)
    if found:
        return found
    oldest, latest = known_minors()
    change = f"ask for another version, of {oldest} to {latest}"
    # Not each patch version was built so: 3.11.0, which many files name, was not.
    minor = ".".join(asked.removeprefix("==").split(".")[:2])
    if minor != asked and (near := newest(minor, arch)):
        change = f"write {minor} in place of {asked}: its newest is {near.version}"
    raise UserFault(
        f"there is no standalone build of Python {asked}",
        where=request.where,
        remedy=f"{change}; or give BP_PYTHON_DOWNLOADS a list that has it",
    )


def _requested(request: VersionRequest, base: str) -> str:
    """What to install: one minor version, of several the newest that packages are ready for."""
    if not request.wanted:
        return base or _DEFAULT
    found = narrowed(request.wanted, base)
    if not found:
        raise UserFault(
            f"no Python is in the range {request.wanted}",
            where=request.where,
            remedy="write a range that holds a Python, such as >=3.11,<3.14",
        )
    return found
