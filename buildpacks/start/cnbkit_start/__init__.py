"""What the image starts: from Procfile, else app.py or main.py."""

from __future__ import annotations

from cnbkit import Buildpack, Plan, Triggers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, Built

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
    "pdm.lock",
    "environment.yml",
    "environment.yaml",
    "conda-lock.yml",
    "pixi.lock",
    # Misspelt; the `python` buildpack says so.
    "requirement.txt",
    "requirments.txt",
    "requeriments.txt",
    "requirements.txt.txt",
)


class Start(Buildpack):
    """Gives the image its processes, one of them the default."""

    triggers = Triggers(PROCFILE, *SCRIPTS, *PROJECT)

    # Python where a buildpack of the group brings it; else the run image may have it, or nothing
    # here needs it. Looking closer would mean to start Python in every detect, which takes longer
    # than the `python` buildpack does to say that the base image has one.
    plan = Plan().requires("python", launch=True) | Plan()

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


def _first(ctx: BuildContext, files: tuple[str, ...]) -> str:
    return next((name for name in files if ctx.app.has(name)), "")
