"""What the image starts: from Procfile, else app.py or main.py."""

from __future__ import annotations

from cnbkit import Buildpack, Plan, Triggers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, Built, DetectContext, Detected

__all__ = ["Start"]

PROCFILE = "Procfile"
SCRIPTS = ("app.py", "main.py")
# With one of these other buildpacks build the app, so somebody has to say what starts.
PROJECT = (
    "requirements.txt",
    "requirements.in",
    "pylock.toml",
    "pyproject.toml",
    "setup.py",
    "Pipfile",
    "Pipfile.lock",
    "poetry.lock",
    "uv.lock",
    "environment.yml",
    "environment.yaml",
    "conda-lock.yml",
    "pixi.lock",
)


class Start(Buildpack):
    """Gives the image its processes, one of them the default."""

    triggers = Triggers(PROCFILE, *SCRIPTS, *PROJECT)

    def detect(self, ctx: DetectContext) -> Detected:
        """Join for anything that can be started, and for any Python project."""
        script = _first(ctx, SCRIPTS)
        if ctx.app.has(PROCFILE):
            from cnbkit_start.procfile import parse

            # What is wrong with the file is told by build, which reads it again: a hook may
            # have written it by then.
            text = ctx.app.bytes(PROCFILE).decode("utf-8-sig", errors="replace")
            entries, _ = parse(text)
            by_script = script and not any(entry.type == "web" for entry in entries)
            python = bool(by_script) or any(entry.uses_python for entry in entries)
            return ctx.join(f"found {PROCFILE}", _needs_python() if python else None)
        if script:
            return ctx.join(f"found {script}", _needs_python())
        project = _first(ctx, PROJECT)
        if project:
            return ctx.join(f"found {project}; the image needs something to start")
        return ctx.skip(f"no {PROCFILE}, {' or '.join(SCRIPTS)}, and no Python project")

    def build(self, ctx: BuildContext) -> Built:
        """Read the processes, choose the default, say where each came from."""
        from cnbkit import Built, Process, UserFault

        # type → command, and what the log says of it
        found: dict[str, tuple[list[str], str]] = {}
        has_procfile = ctx.app.has(PROCFILE)
        if has_procfile:
            from cnbkit_start.procfile import parse

            entries, problems = parse(ctx.app.text(PROCFILE))
            if problems:
                raise UserFault.of(PROCFILE, problems, remedy="write each line as `type: command`")
            for entry in entries:
                found[entry.type] = entry.command, f"{entry.text}, from {PROCFILE}:{entry.line}"
        script = _first(ctx, SCRIPTS)
        if script and "web" not in found:
            # Not `python`: where no other buildpack brings one, Debian's base has only python3.
            found["web"] = ["python3", script], f"python3 {script}, from {script}"
        if not found:
            raise UserFault(
                f"no process to start: {PROCFILE} is empty"
                if has_procfile
                else f"no process to start: there is no {PROCFILE}, {' or '.join(SCRIPTS)}",
                where=PROCFILE if has_procfile else "the app's root",
                remedy=f"add a {PROCFILE} with `web: <command>`, or an {SCRIPTS[0]}",
            )
        default = "web" if "web" in found else next(iter(found))
        for type, (_, origin) in found.items():
            ctx.log.info(f"{type}: {origin}")
        if default != "web":
            ctx.log.info(
                f"{default} is what the image starts: "
                f"no web in {PROCFILE}, and no {' or '.join(SCRIPTS)}"
            )
        return Built(
            *(
                Process(type=type, command=command, default=type == default)
                for type, (command, _) in found.items()
            )
        )


def _first(ctx: DetectContext | BuildContext, files: tuple[str, ...]) -> str:
    return next((name for name in files if ctx.app.has(name)), "")


def _needs_python() -> Plan:
    # The second choice: no buildpack of the group brings Python, the run image may.
    return Plan().requires("python", launch=True) | Plan()
