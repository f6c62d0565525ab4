"""Whether the image's processes can start: an error for the default one, a warning for others."""

from __future__ import annotations

from cnbkit import PythonBuild, UserFault
from cnbkit_misspelt import MISSPELT
from cnbkit_start.choice import Choice, Nothing
from cnbkit_start.config import CONDA
from cnbkit_start.process import Found

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cnbkit import BuildContext, DetectContext
    from cnbkit_start.check.image import Image
    from cnbkit_start.check.problem import Problem
    from cnbkit_start.config import Options

__all__ = ["check", "check_early", "check_planned", "may_be_told_later"]

# With these buildpacks of ours may add files to the app while it is built.
_MAKERS = (".cnbkit/pre-build", ".cnbkit/post-build", "weights.toml")
_GROUPS = ("BP_PYTHON_GROUPS", "BP_PROCESS_GROUPS")
# As the `environment` buildpack reads them.
_PLACES = tuple(
    f"BPE_{how}PYTHONPATH" for how in ("", "DEFAULT_", "OVERRIDE_", "APPEND_", "PREPEND_")
)
_MAKER_SETTINGS = ("BP_PRE_BUILD", "BP_POST_BUILD")


def check_early(ctx: DetectContext, options: Options) -> Choice | None:
    """Refuse, before packages are installed, what certainly cannot start.

    Returns the processes; None if they are not known before the build.

    Raises:
        UserFault: there is nothing to start, or the default process cannot.
    """
    if options.check == "off" or _changes_app(ctx):
        return None
    try:
        choice = Choice(ctx, options)
    except Nothing:
        if may_be_told_later(ctx):
            return None
        raise
    if options.check == "fail":
        from cnbkit_start.check.locked import Locked
        from cnbkit_start.check.problems import problems
        from cnbkit_start.strangers import has_strangers

        # Another builder's buildpacks may compile, bundle, generate.
        strangers = has_strangers(ctx)
        default = choice.processes[choice.default]
        if _is_for(default, ctx):
            locked = None if strangers else Locked.read(ctx)
            found = problems(default, ctx.app, None, files_may_come=strangers, locked=locked)
            if found:
                raise _fault(default, found)
    return choice if _is_settled(ctx, choice) else None


def may_be_told_later(ctx: DetectContext | BuildContext) -> bool:
    """Whether packages that are known once they are installed may say what starts."""
    from cnbkit_start.declared import declared

    conda = any(ctx.app.has(name) for name in CONDA) or ctx.settings.get("BP_CONDA_INPUT")
    packages = declared(ctx)
    # The `python` buildpack ends the build where that is all there is.
    misspelt = not packages.file and any(ctx.app.has(name) for name in MISSPELT)
    return bool(conda) or misspelt or not packages.complete


def check_planned(ctx: BuildContext, choice: Choice, options: Options) -> None:
    """Judge every process by the packages that are decided upon, before they are installed.

    Raises:
        UserFault: the default process cannot start.
    """
    if options.check == "off" or not choice.processes:
        return
    from cnbkit_start.check.locked import Locked
    from cnbkit_start.check.problems import problems
    from cnbkit_start.strangers import has_strangers

    may_come = _changes_app(ctx) or has_strangers(ctx)
    locked = None if may_come else Locked.planned(ctx)
    python = PythonBuild.read(ctx).python_version

    def find(process: Found) -> list[Problem]:
        return problems(
            process, ctx.app, None, files_may_come=may_come, locked=locked, python=python
        )

    _judge(ctx, choice, options, find)


def check(ctx: BuildContext, choice: Choice, image: Image, options: Options) -> None:
    """Judge every process, with all that the buildpacks before have installed.

    Raises:
        UserFault: the default process cannot start.
    """
    if options.check == "off" or not choice.processes:
        return
    from cnbkit_start.check.breaks import hints  # needs the packages, which detect has not
    from cnbkit_start.check.problems import problems

    told_before = PythonBuild.read(ctx)
    for hint in hints(image.needs, image.has_module, told_before.python_version):
        ctx.log.warning(hint)
    libraries = None
    if told_before.missing_libraries:
        from cnbkit_start.check.libraries import Libraries

        libraries = Libraries(told_before.missing_libraries, image.sites, image.leads)

    def find(process: Found) -> list[Problem]:
        version = told_before.python_version
        return problems(process, ctx.app, image, libraries=libraries, python=version)

    _judge(ctx, choice, options, find)


def _judge(
    ctx: BuildContext,
    choice: Choice,
    options: Options,
    find: Callable[[Found], list[Problem]],
) -> None:
    told: set[str] = set()
    order = [choice.default, *(type for type in choice.processes if type != choice.default)]
    for type in order:
        process = choice.processes[type]
        if process.type in told or not _is_for(process, ctx):
            continue
        told.add(process.type)
        found = [each for each in find(process) if each.certain or not _sets_places(ctx)]
        certain = [each for each in found if each.certain]
        if certain and type == choice.default and options.check == "fail":
            raise _fault(process, certain)
        for problem in found:
            how = "cannot" if problem.certain else "may not"
            ctx.log.warning(
                f"{process.type} ({process.origin}) {how} start: {problem.what}; {problem.remedy}"
            )


def _sets_places(ctx: BuildContext) -> bool:
    """Whether the image may say where else Python looks for modules."""
    return ctx.app.has(".profile") or any(ctx.settings.get(name) for name in _PLACES)


def _fault(process: Found, found: list[Problem]) -> UserFault:
    first, *_ = found
    more = [f"{each.what}: {each.remedy}" for each in found[1:]]
    return UserFault(
        f"{process.type} cannot start: {first.what}",
        where=process.origin,
        remedy=f"{first.remedy}; or set BP_START_CHECK=warn",
        detail="\n".join(more) or None,
    )


def _is_for(process: Found, ctx: BuildContext | DetectContext) -> bool:
    return not process.exec_env or ctx.exec_env in process.exec_env


def _is_settled(ctx: DetectContext, choice: Choice) -> bool:
    """Whether nothing that is installed later adds a process or takes one away."""
    if any(ctx.settings.get(name) for name in _GROUPS):
        return False
    for name in ("project.toml", "pyproject.toml"):
        if ctx.app.has(name) and b"process-groups" in ctx.app.bytes(name):
            return False
    return choice.packages is None or choice.packages.complete


def _changes_app(ctx: DetectContext | BuildContext) -> bool:
    return any(ctx.app.has(name) for name in _MAKERS) or any(
        ctx.settings.get(name) for name in _MAKER_SETTINGS
    )
