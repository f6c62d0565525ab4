"""The process behind bin/detect, bin/build and bin/generate.

Inputs are the CNB_* variables (Buildpack API 0.8 and later), positional arguments the
fallback. Exit status: 0, or 100 from detect for "not mine" (buildpack.md, "Detection");
a fault's own otherwise.
"""

from __future__ import annotations

import os
import sys
import time

from cnbkit.errors import BuildpackFault, CnbkitError, InvalidDocument
from cnbkit.log import Log
from cnbkit.redact import Redacting, Secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import NoReturn

    from cnbkit.build_context import BuildContext
    from cnbkit.context import DetectContext, GenerateContext
    from cnbkit.phases import Phases

__all__ = ["build", "detect", "generate", "guarded", "main"]

NOT_DETECTED = 100
DRY_RUN = "cnbkit-decide.json"
"""A file of the platform directory that asks what a build would do (`cnbkit.dry_run`)."""
# The arguments that build and generate have behind their own first one.
_BEHIND = ("CNB_PLATFORM_DIR", "CNB_BP_PLAN_PATH")


def main(buildpack: Phases, phase: str = "", identity: str = "") -> NoReturn:
    """Run one phase as the lifecycle calls it, and exit."""
    program, *arguments = sys.argv
    if not phase and arguments and arguments[0] in ("detect", "build", "generate"):
        phase = arguments.pop(0)
    phase = phase or os.path.basename(program)
    code = guarded(buildpack, phase, os.environ, arguments, identity)
    sys.stdout.flush()
    # Nothing is left to clean up, and tearing the interpreter down takes milliseconds.
    os._exit(code)


def guarded(
    buildpack: Phases,
    phase: str,
    env: Mapping[str, str],
    arguments: Sequence[str],
    identity: str,
) -> int:
    """Run one phase and print whatever fault ends it; the exit status."""
    secrets = Secrets()
    streams = sys.stdout, sys.stderr
    # What is not a method of theirs is the stream's own.
    sys.stdout = Redacting(sys.stdout, secrets)
    sys.stderr = Redacting(sys.stderr, secrets)
    try:
        return _guarded(buildpack, phase, env, arguments, identity, secrets)
    finally:
        sys.stdout, sys.stderr = streams


def _guarded(
    buildpack: Phases,
    phase: str,
    env: Mapping[str, str],
    arguments: Sequence[str],
    identity: str,
    secrets: Secrets,
) -> int:
    try:
        if phase == "detect":
            return detect(buildpack, env, arguments, secrets=secrets)
        if phase == "build":
            return build(buildpack, env, arguments, identity, secrets=secrets)
        if phase == "generate":
            return generate(buildpack, env, arguments, identity, secrets=secrets)
        raise BuildpackFault(
            f"there is no phase {phase!r}",
            remedy="call it as bin/detect, bin/build or bin/generate",
        )
    except KeyboardInterrupt:
        return 130
    except (Exception, SystemExit) as error:  # whatever else happens is the buildpack's fault
        from cnbkit.blame import fault_of

        fault = fault_of(error, type(buildpack).__name__, phase)
    from cnbkit.spec.target import Target

    fault.phase = phase
    fault.buildpack = identity or _identity(env)
    fault.target = str(Target.from_env(env))
    fault.app = os.getcwd()
    fault.secrets = secrets
    return _failed(buildpack, fault, secrets)


def _failed(buildpack: Phases, fault: CnbkitError, secrets: Secrets) -> int:
    try:
        buildpack.on_error(fault)
    except (Exception, SystemExit) as error:  # the fault matters more than its hook's
        print(secrets.redacted(f"Warning: on_error failed: {error!r}"), file=sys.stderr)
    print(fault, file=sys.stderr, flush=True)
    return fault.exit_code


def detect(
    buildpack: Phases,
    env: Mapping[str, str],
    arguments: Sequence[str] = (),
    *,
    secrets: Secrets | None = None,
) -> int:
    """Run detect and write its plan; the exit status."""
    from cnbkit.context import DetectContext
    from cnbkit.results import DetectResult

    platform, plan_path = _inputs(env, arguments, "CNB_PLATFORM_DIR", "CNB_BUILD_PLAN_PATH")
    ctx = DetectContext(
        app=os.getcwd(),
        env=env,
        buildpack=_folder(env),
        platform=platform,
        log=_log(env, secrets),
    )
    ctx.declare(buildpack.config)
    with _Traced("detect", ctx):
        _enter(buildpack, ctx)
        answer = buildpack.detect(ctx)
    _check_answer(buildpack, "detect", answer, DetectResult)
    if not answer.joins:
        ctx.log.info(f"skip: {answer.reason}")
        return NOT_DETECTED
    ctx.log.info(f"join: {answer.reason}")
    if answer.plan is not None:
        if _is_extension(env) and any(each.requires for each in answer.plan.alternatives):
            raise BuildpackFault(
                f"the extension {type(buildpack).__name__} requires something in its plan",
                remedy="an extension only provides; let a buildpack require",
            )
        with open(plan_path, "w", encoding="utf-8") as file:
            file.write(answer.plan.document().dumps())
    return 0


def build(
    buildpack: Phases,
    env: Mapping[str, str],
    arguments: Sequence[str] = (),
    identity: str = "",
    *,
    secrets: Secrets | None = None,
) -> int:
    """Run build and write its results; the exit status."""
    from cnbkit.build_context import BuildContext
    from cnbkit.results import BuildResult

    start = time.monotonic()
    layers, platform, plan = _inputs(env, arguments, "CNB_LAYERS_DIR", *_BEHIND)

    def context(log: Log) -> BuildContext:
        return BuildContext(
            app=os.getcwd(),
            env=env,
            buildpack=_folder(env),
            platform=platform,
            layers=layers,
            plan=plan,
            log=log,
        )

    if asked := _dry_run(platform):
        from cnbkit.dry_run import Recording, decide, resolves

        log = Recording.from_setting(env.get("BP_LOG_LEVEL", ""), secrets)
        ctx = context(log)
        ctx.dry, ctx.resolves = True, resolves(asked)
        with _Traced("build", ctx):
            _begin(buildpack, ctx, identity)
            _enter(buildpack, ctx)
            decide(buildpack, ctx, log, layers)
        return 0
    ctx = context(_log(env, secrets))
    with _Traced("build", ctx):
        _begin(buildpack, ctx, identity)
        _enter(buildpack, ctx)
        built = buildpack.build(ctx)
        _check_answer(buildpack, "build", built, BuildResult)
        for opened in ctx.opened:
            opened.check_finished()
    from cnbkit.build_output import check_starts, write_report, write_results

    folder = _folder(env)
    check_starts(buildpack, built, ctx, layers, folder)
    write_results(built, ctx, layers, folder)
    write_report(ctx, layers, time.monotonic() - start, repeatable=buildpack.repeatable)
    return 0


def _dry_run(platform: str) -> str:
    """What the platform asks for in place of a build; empty if nothing."""
    try:
        with open(f"{platform}/{DRY_RUN}", encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def _begin(buildpack: Phases, ctx: BuildContext | GenerateContext, identity: str) -> None:
    """Say who speaks, and whatever is wrong with the settings."""
    ctx.log.heading(identity or _identity(ctx.env))
    ctx.declare(buildpack.config)
    if buildpack.config is not None:
        changed = ctx.config.changed()
        if changed:
            ctx.log.info(f"Settings: {', '.join(changed)}")


def _enter(buildpack: Phases, ctx: BuildContext | DetectContext) -> None:
    """Go to the folder of the app that a variable names, if this buildpack has such a variable."""
    if buildpack.folder and (folder := ctx.settings.get(buildpack.folder)):
        ctx.enter(folder, buildpack.folder)


def _check_answer(buildpack: Phases, phase: str, answer: object, kind: type) -> None:
    if not isinstance(answer, kind):
        from cnbkit.blame import wrong_answer

        raise wrong_answer(buildpack, phase, answer, kind)


class _Traced:
    """Writes a trace of what happens within, if BP_TRACE_DIR says where to."""

    def __init__(self, phase: str, ctx: DetectContext | BuildContext | GenerateContext) -> None:
        self._phase = phase
        self._ctx = ctx
        self._directory = ctx.settings.get("BP_TRACE_DIR")

    def __enter__(self) -> None:
        self._began = time.time_ns()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if not self._directory:
            return
        from cnbkit.trace import trace_phase

        trace_phase(
            self._ctx, self._directory, self._phase, _identity(self._ctx.env), self._began, error
        )


def generate(
    buildpack: Phases,
    env: Mapping[str, str],
    arguments: Sequence[str] = (),
    identity: str = "",
    *,
    secrets: Secrets | None = None,
) -> int:
    """Run an extension's generate and write its results; the exit status."""
    from cnbkit.context import GenerateContext
    from cnbkit.extension import GenerateResult, write

    output, platform, plan = _inputs(env, arguments, "CNB_OUTPUT_DIR", *_BEHIND)
    ctx = GenerateContext(
        app=os.getcwd(),
        env=env,
        buildpack=_folder(env),
        platform=platform,
        plan=plan,
        log=_log(env, secrets),
    )
    with _Traced("generate", ctx):
        _begin(buildpack, ctx, identity)
        generated = buildpack.generate(ctx)
    _check_answer(buildpack, "generate", generated, GenerateResult)
    for warning in generated.warnings:
        ctx.log.warning(warning)
    write(generated, output)
    return 0


def _is_extension(env: Mapping[str, str]) -> bool:
    return "CNB_EXTENSION_DIR" in env and "CNB_BUILDPACK_DIR" not in env


def _folder(env: Mapping[str, str]) -> str:
    return env.get("CNB_BUILDPACK_DIR") or env.get("CNB_EXTENSION_DIR", "")


def _inputs(env: Mapping[str, str], arguments: Sequence[str], *names: str) -> list[str]:
    """What the lifecycle gave: variables, or the arguments in this order."""
    values = []
    for index, name in enumerate(names):
        value = env.get(name) or (arguments[index] if index < len(arguments) else "")
        if not value:
            raise BuildpackFault(
                f"the platform gave no {name}",
                remedy="run it through a lifecycle, or `cnbkit test`",
            )
        values.append(value)
    return values


def _identity(env: Mapping[str, str]) -> str:
    """Name and version from the descriptor, for a buildpack started by hand."""
    from cnbkit.spec.toml import decode

    kind = "extension" if _is_extension(env) else "buildpack"
    path = f"{_folder(env) or '.'}/{kind}.toml"
    try:
        with open(path, "rb") as file:
            table = decode(file.read(), name=f"{kind}.toml", where=path).get(kind, {})
    except (OSError, InvalidDocument):
        table = {}
    return f"{table.get('name') or table.get('id', kind)} {table.get('version', '')}".strip()


def _log(env: Mapping[str, str], secrets: Secrets | None) -> Log:
    return Log.from_setting(env.get("BP_LOG_LEVEL", ""), secrets)
