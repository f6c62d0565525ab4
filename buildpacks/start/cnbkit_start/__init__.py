"""What the image starts: what the app says, else what its packages and files tell."""

from __future__ import annotations

import os

from cnbkit import Buildpack, Config, Layer, LayerKey, Option, Plan, Triggers, UserFault, key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, Built
    from cnbkit_start.process import Found

__all__ = ["Start"]

PROCFILE = "Procfile"
ENTRYPOINT = "entrypoint.toml"
PORT = "8080"
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
# They start WEB_CONCURRENCY processes by themselves. Others may not bear the variable: a script
# that calls `uvicorn.run(app)` ends with an error if it asks for more than one.
_SERVERS = ("gunicorn", "uvicorn", "hypercorn", "granian")


class Options(Config):
    """What people may set."""

    file = Option.text(
        "BP_ENTRYPOINT_FILE", default=ENTRYPOINT, help="File of the app with its processes"
    )
    default = Option.text("BP_DEFAULT_PROCESS", help="The process that the image starts")


class AtLaunch(LayerKey):
    """What the layer with launch programs depends on."""

    processes: list[str] = key("processes")
    program: str = key("launch program")


class Start(Buildpack):
    """Gives the image its processes, one of them the default, and always a `web`."""

    triggers = Triggers(
        *(PROCFILE, "app.py", "main.py", ENTRYPOINT, "train.py", "streamlit_app.py"),
        *PROJECT,
        settings=("BP_ENTRYPOINT_FILE",),
    )
    config = Options

    # Python where a buildpack of the group brings it; else the run image may have it, or nothing
    # here needs it. Looking closer would mean to start Python in every detect, which takes longer
    # than the `python` buildpack does to say that the base image has one.
    plan = Plan().requires("python", launch=True) | Plan()

    # $PORT, and programs that look at the container's limits.
    limits = Layer.in_image("limits")

    def build(self, ctx: BuildContext) -> Built:
        """Read the processes, choose the default, say where each came from."""
        from cnbkit import Built
        from cnbkit_start.large import large_files, pattern_of

        options = Options.read(ctx.settings)
        found = _declared(ctx, options.file)
        _add_defaults(ctx, found)
        if not found:
            raise _nothing(ctx, options.file)
        every = dict(found)
        left_out = _leave_out(ctx, found, options.default)
        for each in found.values():
            ctx.log.info(f"{each.type}: {each.text}, from {each.origin}")
        if "web" not in found:
            first = next((each for each in found.values() if each.default), None)
            first = first or next(iter(found.values()))
            # Tekton, kpack and others start `web` whatever there is.
            found["web"] = first
            why = "web is left out" if "web" in left_out else "nothing says what web is"
            ctx.log.info(f"web: the same as {first.type}, because {why}")
        default = _default(found, options.default)
        if default != "web":
            ctx.log.info(f"{default} is what the image starts")
        # With those left out: an image of another process then has this layer in common.
        self._at_launch(ctx, {**every, **found})
        large = large_files(ctx.app.root)
        if large:
            ctx.log.info(f"{', '.join(large)}: in layers of their own, because they are large")
        return Built(
            *(each.process(type, default=type == default) for type, each in found.items()),
            slices=[[pattern_of(path)] for path in large],
        )

    def _at_launch(self, ctx: BuildContext, found: dict[str, Found]) -> None:
        import hashlib

        # Beside this package; `ctx.buildpack_dir` would import pathlib.
        path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "launch", "limits")
        with open(path, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        names = {type: "workers" if _serves(each) else "threads" for type, each in found.items()}
        wanted = AtLaunch(
            processes=sorted(f"{type} ({name})" for type, name in names.items()), program=digest
        )
        with ctx.layer(self.limits, wanted) as layer:
            if layer.rebuild:
                layer.env.launch.default("PORT", PORT)
                for type, name in names.items():
                    layer.exec_d(name, path, process=type)


def _declared(ctx: BuildContext, entrypoint: str) -> dict[str, Found]:
    """What the app says itself; of two that say the same type, the first."""
    found: dict[str, Found] = {}
    sources: list[list[Found]] = []
    if ctx.app.has(entrypoint) or entrypoint != ENTRYPOINT:
        from cnbkit_start.tables import read_file

        sources.append(read_file(ctx, entrypoint))
    if ctx.app.has(PROCFILE):
        sources.append(_procfile(ctx))
    for file in ("project.toml", "pyproject.toml"):
        # The words are looked for first: parsing TOML takes longer than the rest of the build.
        text = ctx.app.text(file) if ctx.app.has(file) else ""
        if "cnbkit" in text and "processes" in text:
            from cnbkit_start.tables import read_table

            sources.append(read_table(ctx, file))
    for source in sources:
        for each in source:
            there = found.setdefault(each.type, each)
            if there is not each:
                ctx.log.info(f"{each.type} in {each.origin} is not used: {there.origin} has one")
    return found


def _procfile(ctx: BuildContext) -> list[Found]:
    from cnbkit import UserFault
    from cnbkit_start.process import Found
    from cnbkit_start.procfile import parse

    entries, problems = parse(ctx.app.text(PROCFILE))
    if problems:
        raise UserFault.of(PROCFILE, problems, remedy="write each line as `type: command`")
    return [Found(e.type, e.text, e.command, f"{PROCFILE}:{e.line}") for e in entries]


def _add_defaults(ctx: BuildContext, found: dict[str, Found]) -> None:
    """What nobody has said and the app's packages and files tell."""
    if {"web", "train", "notebook"} <= found.keys():
        return
    from cnbkit_start import frameworks
    from cnbkit_start.declared import declared

    packages = declared(ctx)
    if "web" not in found:
        try:
            web = frameworks.web(ctx, packages)
        except UserFault:
            # Whoever names other processes does without it.
            if not found:
                raise
            web = None
        if web:
            found["web"] = web
    if "train" not in found:
        train = frameworks.train(ctx)
        if train:
            found["train"] = train
    if "notebook" not in found:
        notebook = frameworks.notebook(packages)
        if notebook:
            found["notebook"] = notebook


def _leave_out(ctx: BuildContext, found: dict[str, Found], default: str) -> set[str]:
    """Take away processes whose dependency groups the image has not (`CNBKIT_LEFT_OUT`)."""
    left_out = set()
    for word in ctx.env.get("CNBKIT_LEFT_OUT", "").split():
        type, _, groups = word.partition("=")
        if type in found:
            left_out.add(type)
            del found[type]
            what = f"{type}: left out, because this image has no packages of {groups}"
            if type == default or not found:
                raise UserFault(
                    what,
                    where="BP_PYTHON_GROUPS",
                    remedy=f"add {groups} to BP_PYTHON_GROUPS, or leave BP_PYTHON_GROUPS away "
                    f"and set BP_DEFAULT_PROCESS to {type}",
                )
            ctx.log.info(f"{what} (BP_DEFAULT_PROCESS={type} makes one that has)")
    return left_out


def _default(found: dict[str, Found], setting: str) -> str:
    if setting:
        if setting not in found:
            raise UserFault(
                f"there is no process {setting}",
                where="BP_DEFAULT_PROCESS",
                remedy=f"use one of: {', '.join(found)}",
            )
        return setting
    # The same may be there twice, also as web.
    named = [each for type, each in found.items() if each.default and each.type == type]
    if len(named) > 1:
        raise UserFault(
            f"more than one process is the default: {', '.join(each.type for each in named)}",
            where=", ".join(each.origin for each in named),
            remedy="leave `default = true` with one of them",
        )
    return named[0].type if named else "web"


def _serves(process: Found) -> bool:
    text = " ".join([*process.command, *process.args])
    return any(server in text for server in _SERVERS)


def _nothing(ctx: BuildContext, entrypoint: str) -> UserFault:
    empty = next((name for name in (entrypoint, PROCFILE) if ctx.app.has(name)), "")
    return UserFault(
        f"no process to start: {empty} is empty"
        if empty
        else f"no process to start: there is no {PROCFILE}, app.py or main.py",
        where=empty or "the app's root",
        remedy=f"add a {PROCFILE} with `web: <command>`, or an app.py",
    )
