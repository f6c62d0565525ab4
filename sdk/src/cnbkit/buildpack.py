"""The class an author derives from."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Generic, NoReturn

    from typing_extensions import TypeVar

    from cnbkit.build_context import BuildContext
    from cnbkit.config import Config
    from cnbkit.context import DetectContext, GenerateContext
    from cnbkit.decision import Decision
    from cnbkit.errors import CnbkitError
    from cnbkit.extension import GenerateResult
    from cnbkit.results import BuildResult, DetectResult
    from cnbkit.spec.build_plan import Plan

    D = TypeVar("D", bound=Decision, default=Any)
else:  # `typing` costs more than a whole detect

    class Generic:
        """Takes a parameter and forgets it."""

        def __class_getitem__(cls, _):
            return cls

    D = None

__all__ = ["Buildpack", "Triggers"]

# What the type of a binding may have besides letters and digits.
_IN_TYPES = dict.fromkeys(map(ord, "-_./"), "x")


class Triggers:
    """What must be there for a buildpack to have any chance of joining.

    `bin/detect` looks for these with the shell alone, in about a millisecond, and starts
    Python only if one is found. Declaring none starts Python always.

    Args:
        files: names of files relative to the app's root; `*` and `?` stand for anything
            but a slash, as in a shell, and not for a leading dot.
        settings: BP_* variables. `BPE_*` stands for all whose names begin so, also if they
            are empty.
        bindings: types of service bindings, in upper or lower case.

    Raises:
        ValueError: a name leads out of the app, or holds what only some shells understand.
        TypeError: the names are something else than texts.
    """

    __slots__ = ("bindings", "files", "settings")

    def __init__(
        self, *files: str, settings: tuple[str, ...] = (), bindings: tuple[str, ...] = ()
    ) -> None:
        _check_names("files", files)
        _check_names("settings", settings)
        _check_names("bindings", bindings)
        for name in files:
            steps = name.split("/")
            if any(char in name for char in "[]\\\n") or {"", ".", "..", "**"} & {*steps}:
                raise ValueError(f"{name!r} is not a name or pattern of a file in the app")
        for name in settings:
            stem = name.removesuffix("*")
            if not stem.isascii() or not stem.isidentifier():
                raise ValueError(
                    f"{name!r} is not a variable's name; BPE_* stands for all that begin so"
                )
        for name in bindings:
            if not name.isascii() or not name.translate(_IN_TYPES).isalnum():
                raise ValueError(f"{name!r} is not a type of a binding")
        self.files = files
        self.settings = settings
        self.bindings = bindings

    def __bool__(self) -> bool:
        return bool(self.files or self.settings or self.bindings)

    def found(self, ctx: DetectContext) -> str:
        """The first of them that is there; empty if none is."""
        for setting in self.settings:
            if setting.endswith("*"):
                names = ctx.settings.names(setting[:-1])
                if any(name.isascii() and name.isidentifier() for name in names):
                    return setting
            elif ctx.settings.get(setting):
                return setting
        for binding in self.bindings:
            if ctx.bindings.first(binding):
                return f"a binding of type {binding}"
        for pattern in self.files:
            for name in _named(ctx.app.root, pattern):
                if ctx.app.has(name):
                    return name
        return ""

    def __str__(self) -> str:
        return ", ".join(
            [*self.files, *self.settings, *map("a binding of type {}".format, self.bindings)]
        )


def _check_names(what: str, names: object) -> None:
    # A lone text would be taken for its letters.
    if not isinstance(names, tuple | list) or any(not isinstance(each, str) for each in names):
        form = 'Triggers("a.txt", "b.txt")' if what == "files" else f'{what}=("…", "…")'
        raise TypeError(f"the {what} of triggers are {names!r}; write {form}")


def _named(root: str, pattern: str) -> list[str]:
    if "*" not in pattern and "?" not in pattern:
        return [pattern]  # most are such, and need no import
    from cnbkit.pattern import named

    return named(root, pattern)


class Buildpack(Generic[D]):
    """A buildpack: derive, implement `build` and, if need be, `detect`; call `main()`.

        class Hello(Buildpack):
            triggers = Triggers("hello.txt")

            def build(self, ctx: BuildContext) -> BuildResult:
                return BuildResult(Process(type="web", command=["cat", "hello.txt"], default=True))

        if __name__ == "__main__":
            Hello.main()

    In place of `build` it may implement `decide` and `contribute`; then `cnbkit plan` shows what
    it would do. Identity (id, version, Buildpack API) stands in buildpack.toml beside the code.

    Attributes:
        triggers: what has to be there for the buildpack to join.
        plan: what it provides and requires when it joins by its triggers alone.
        config: the options it has. Before `build` runs all are read, so that whatever is wrong
            with them is told at once, and those that are set are logged.
        folder: the BP_* variable that names a folder of the app to take for the app: triggers are
            looked for there, `ctx.app` is it, and programs run in it. `ctx.app.top` stays.
        repeatable: whether the app, the settings, the bindings and the buildpack's own code alone
            decide what `build` makes; what it fetches without a fixed version it keeps. Then
            cnbkit need not build an unchanged app again. `build` may set it.
    """

    triggers: ClassVar[Triggers] = Triggers()
    plan: ClassVar[Plan | None] = None
    config: ClassVar[type[Config] | None] = None
    folder: ClassVar[str] = ""
    repeatable: bool = False

    def detect(self, ctx: DetectContext) -> DetectResult:
        """Say whether to take part: `ctx.join(reason, plan)` or `ctx.skip(reason)`.

        This one joins with `plan` when a trigger is there, or always if none is declared; the
        packager then writes a bin/detect that does not start Python at all. Override it when
        more has to be looked at.

        Runs beside the other buildpacks' detects; must change nothing. Keep imports out of
        the way: every build of every app pays for them.
        """
        if not self.triggers:
            return ctx.join("always takes part", self.plan)
        found = self.triggers.found(ctx)
        if found:
            return ctx.join(f"found {found}", self.plan)
        return ctx.skip(f"none of {self.triggers}")

    def build(self, ctx: BuildContext) -> BuildResult:
        """Contribute layers and say what the image starts.

        This one decides, and contributes what was decided.
        """
        return self.contribute(ctx, ctx.deciding(self.decide))

    def decide(self, ctx: BuildContext) -> D:  # noqa: ARG002
        """Say what `contribute` will do: layers with their keys, packages, processes, labels.

        Asked by every build, and without one by `cnbkit plan`. It may read the app, run programs
        and ask indexes (unless `ctx.resolves` is false); it opens no layer and changes nothing
        but `ctx.scratch`. What it logs is in the plan.
        """
        from cnbkit.blame import no_phase

        raise no_phase(self, "build")

    def contribute(self, ctx: BuildContext, decision: D) -> BuildResult:  # noqa: ARG002
        """Carry out what was decided; this one has no layers to fill.

        Args:
            ctx: the build.
            decision: what `decide` gave back, the same object.
        """
        return decision.result

    def generate(self, ctx: GenerateContext) -> GenerateResult:  # noqa: ARG002
        """In an image extension, in place of `build`: say how the images change."""
        from cnbkit.blame import no_phase

        raise no_phase(self, "generate")

    def on_error(self, error: CnbkitError) -> None:
        """Called with a fault before it is printed; does nothing by default.

        The fault says where it happened: `phase`, `buildpack`, `target`, `app` and `layer`.
        """

    @classmethod
    def main(cls, phase: str = "", identity: str = "") -> NoReturn:
        """Serve bin/detect, bin/build or bin/generate, then exit.

        Args:
            phase: "detect", "build" or "generate"; taken from the command line if not given.
            identity: name and version for the log's heading; read from buildpack.toml if not
                given.
        """
        from cnbkit.runtime import main

        main(cls(), phase, identity)
