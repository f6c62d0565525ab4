"""The class an author derives from."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar, NoReturn

    from cnbkit.context import BuildContext, Built, DetectContext, Detected
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


class Buildpack:
    """A buildpack: derive, implement `detect` and `build`, call `main()`.

        class Hello(Buildpack):
            triggers = Triggers("hello.txt")

            def detect(self, ctx: DetectContext) -> Detected:
                return ctx.join("found hello.txt")

            def build(self, ctx: BuildContext) -> Built:
                return Built(Process(type="web", command=["cat", "hello.txt"], default=True))

        if __name__ == "__main__":
            Hello.main()

    Identity (id, version, Buildpack API) stands in buildpack.toml beside the code.
    """

    triggers: ClassVar[Triggers] = Triggers()

    def detect(self, ctx: DetectContext) -> Detected:
        """Say whether to take part: `ctx.join(reason, plan)` or `ctx.skip(reason)`.

        Runs beside the other buildpacks' detects; must change nothing. Keep imports out of
        the way: every build of every app pays for them.
        """
        raise NotImplementedError

    def build(self, ctx: BuildContext) -> Built:
        """Contribute layers and say what the image starts."""
        raise NotImplementedError

    def on_error(self, error: CnbkitError) -> None:
        """Called with a fault before it is printed; does nothing by default."""

    @classmethod
    def main(cls, phase: str = "") -> NoReturn:
        """Serve bin/detect or bin/build, then exit.

        Args:
            phase: "detect" or "build"; taken from the command line if not given.
        """
        from cnbkit.phase import main

        main(cls(), phase)
