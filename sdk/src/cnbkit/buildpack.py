"""The class an author derives from."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar, NoReturn

    from cnbkit.context import BuildContext, Built, DetectContext, Detected
    from cnbkit.contract.plan import Plan
    from cnbkit.errors import CnbkitError

__all__ = ["Buildpack", "Triggers"]


class Triggers:
    """What must be there for a buildpack to have any chance of joining.

    `bin/detect` looks for these with the shell alone, in about a millisecond, and starts
    Python only if one is found. Declaring none starts Python always.

    Args:
        files: names in the app's root; shell patterns (`*.yml`) allowed.
        settings: BP_* variables.
    """

    __slots__ = ("files", "settings")

    def __init__(self, *files: str, settings: tuple[str, ...] = ()) -> None:
        self.files = files
        self.settings = settings

    def __bool__(self) -> bool:
        return bool(self.files or self.settings)

    def found(self, ctx: DetectContext) -> str:
        """The first of them that is there; empty if none is."""
        for setting in self.settings:
            if ctx.settings.get(setting):
                return setting
        for pattern in self.files:
            if any(char in pattern for char in "*?["):
                matches = sorted(ctx.app.path.glob(pattern))
                if matches:
                    return matches[0].relative_to(ctx.app.path).as_posix()
            elif ctx.app.has(pattern):
                return pattern
        return ""

    def __str__(self) -> str:
        return ", ".join([*self.files, *self.settings])


class Buildpack:
    """A buildpack: derive, implement `build` and, if need be, `detect`; call `main()`.

        class Hello(Buildpack):
            triggers = Triggers("hello.txt")

            def build(self, ctx: BuildContext) -> Built:
                return Built(Process(type="web", command=["cat", "hello.txt"], default=True))

        if __name__ == "__main__":
            Hello.main()

    Identity (id, version, Buildpack API) stands in buildpack.toml beside the code.

    Attributes:
        triggers: what has to be there for the buildpack to join.
        plan: what it provides and requires when it joins by its triggers alone.
    """

    triggers: ClassVar[Triggers] = Triggers()
    plan: ClassVar[Plan | None] = None

    def detect(self, ctx: DetectContext) -> Detected:
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

    def build(self, ctx: BuildContext) -> Built:
        """Contribute layers and say what the image starts."""
        raise NotImplementedError

    def on_error(self, error: CnbkitError) -> None:
        """Called with a fault before it is printed; does nothing by default."""

    @classmethod
    def main(cls, phase: str = "", identity: str = "") -> NoReturn:
        """Serve bin/detect or bin/build, then exit.

        Args:
            phase: "detect" or "build"; taken from the command line if not given.
            identity: name and version for the log's heading; read from buildpack.toml if not
                given.
        """
        from cnbkit.phase import main

        main(cls(), phase, identity)
