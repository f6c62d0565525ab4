"""Which processes the image gets, and which of them it starts."""

from __future__ import annotations

from cnbkit import PythonBuild, UserFault
from cnbkit_start.config import ENTRYPOINT, FUNCTION, PROCFILE, Options
from cnbkit_start.process import Found

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, DetectContext
    from cnbkit.app import App
    from cnbkit_start.declared import Declared

__all__ = ["Choice", "Nothing"]


class Nothing(UserFault):
    """There is no process to start, or none that the app's packages can run."""


class Choice:
    """The processes.

    Attributes:
        every: by type, also those that are left out.
        processes: by type; there is always a `web`, unless nothing starts and that is allowed.
        default: the type of what the image starts.
        notes: what there is to say about it, in the order in which it was decided.
        packages: what was looked at for those that nobody declares; None if all are declared.
    """

    def __init__(self, ctx: BuildContext | DetectContext, options: Options) -> None:
        self.notes: list[str] = []
        self.packages: Declared | None = None
        found = self._declared(ctx, options.file)
        fault = self._add_defaults(ctx, found)
        if not found:
            fault = fault or _nothing(ctx.app, options.file, self.packages)
            if options.check == "fail":
                raise fault
            self.notes.append(f"{fault.what}: the image starts nothing by itself")
            self.every, self.processes, self.default = {}, {}, ""
            return
        self.every = dict(found)
        left_out = self._leave_out(ctx, found, options.default)
        self.notes += [f"{each.type}: {each.text}, from {each.origin}" for each in found.values()]
        if "web" not in found:
            first = next((each for each in found.values() if each.default), None)
            first = first or next(iter(found.values()))
            # Tekton, kpack and others start `web` whatever there is.
            found["web"] = first
            why = "web is left out" if "web" in left_out else "nothing says what web is"
            self.notes.append(f"web: the same as {first.type}, because {why}")
        self.processes = found
        self.default = _default(found, options.default)
        if self.default != "web":
            self.notes.append(f"{self.default} is what the image starts")

    def _declared(self, ctx: BuildContext | DetectContext, entrypoint: str) -> dict[str, Found]:
        """What the app says itself; of two that say the same type, the first."""
        found: dict[str, Found] = {}
        sources: list[list[Found]] = []
        if ctx.app.has(entrypoint) or entrypoint != ENTRYPOINT:
            from cnbkit_start.tables import read_file

            sources.append(read_file(ctx.app, entrypoint))
        if ctx.app.has(PROCFILE):
            sources.append(_procfile(ctx))
        for file in ("project.toml", "pyproject.toml"):
            # The words are looked for first: parsing TOML takes longer than the rest.
            data = ctx.app.bytes(file) if ctx.app.has(file) else b""
            if b"cnbkit" in data and b"processes" in data:
                from cnbkit_start.tables import read_table

                sources.append(read_table(ctx.app, file))
        for source in sources:
            for each in source:
                there = found.setdefault(each.type, each)
                if there is not each:
                    self.notes.append(
                        f"{each.type} in {each.origin} is not used: {there.origin} has one"
                    )
        return found

    def _add_defaults(
        self, ctx: BuildContext | DetectContext, found: dict[str, Found]
    ) -> Nothing | None:
        """What nobody has said and the app's packages and files tell.

        Returns what is wrong with the `web` that they tell; whoever names other processes does
        without it.
        """
        if {"web", "train", "notebook", "worker"} <= found.keys():
            return None
        from cnbkit_start import frameworks
        from cnbkit_start.declared import declared

        self.packages = packages = declared(ctx)
        if "web" not in found:
            try:
                web = frameworks.web(ctx.app, packages, ctx.settings.get(FUNCTION))
            except UserFault as fault:
                if not found:
                    return Nothing(fault.what, where=fault.where, remedy=fault.remedy)
                web = None
            if web:
                found["web"] = web
        if "train" not in found:
            train = frameworks.train(ctx.app)
            if train:
                found["train"] = train
        if "worker" not in found:
            worker = frameworks.worker(ctx.app, packages, found.get("web"))
            if worker and not any(_starts_it(each, worker) for each in found.values()):
                found["worker"] = worker
        if "notebook" not in found:
            notebook = frameworks.notebook(packages)
            if notebook:
                found["notebook"] = notebook
        return None

    def _leave_out(
        self, ctx: BuildContext | DetectContext, found: dict[str, Found], default: str
    ) -> set[str]:
        """Take away processes whose dependency groups the image has not."""
        left_out = set()
        for type, needed in PythonBuild.read(ctx).left_out.items():
            groups = ",".join(needed)
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
                self.notes.append(f"{what} (BP_DEFAULT_PROCESS={type} makes one that has)")
        return left_out


def _procfile(ctx: BuildContext | DetectContext) -> list[Found]:
    from cnbkit_start.procfile import parse

    entries, problems = parse(ctx.app.text(PROCFILE))
    if problems:
        raise UserFault.of(PROCFILE, problems, remedy="write each line as `type: command`")
    return [Found(e.type, e.text, e.command, f"{PROCFILE}:{e.line}") for e in entries]


def _starts_it(there: Found, worker: Found) -> bool:
    """Whether a process that there is does a worker's work already, by whatever name."""
    words = there.text.replace("'", " ").replace('"', " ").split()
    if "celery" in worker.text.split():
        return "celery" in words and "worker" in words
    script = worker.command[-1]
    module = script.removesuffix(".py")
    return script in words or f"./{script}" in words or ("-m" in words and module in words)


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


def _nothing(app: App, entrypoint: str, packages: Declared | None) -> Nothing:
    from cnbkit_start.frameworks.nothing import nothing_starts

    why, where, remedy = nothing_starts(app, packages)
    empty = next((name for name in (entrypoint, PROCFILE) if app.has(name)), "")
    if empty:
        why, where = f"{empty} is empty", empty
    detail = "BP_START_CHECK=warn makes an image of the packages, which starts nothing by itself"
    return Nothing(f"no process to start: {why}", where=where, remedy=remedy, detail=detail)
