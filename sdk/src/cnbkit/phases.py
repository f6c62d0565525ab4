"""What the runtime calls of a buildpack: a type, so that it need not import the class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from cnbkit.build_context import BuildContext
    from cnbkit.config import Config
    from cnbkit.context import DetectContext, GenerateContext
    from cnbkit.decision import Decision
    from cnbkit.errors import CnbkitError
    from cnbkit.extension import GenerateResult
    from cnbkit.results import BuildResult, DetectResult

__all__ = ["Phases"]


class Phases(Protocol):
    """What a phase needs of a `Buildpack`."""

    @property
    def config(self) -> type[Config] | None:
        """The options it declares."""

    @property
    def folder(self) -> str:
        """The variable that names a folder of the app to look at; empty if there is none."""

    @property
    def repeatable(self) -> bool:
        """Whether another build with the same inputs gives the same."""

    def detect(self, ctx: DetectContext) -> DetectResult:
        """Join or skip."""

    def build(self, ctx: BuildContext) -> BuildResult:
        """Contribute to the image."""

    def decide(self, ctx: BuildContext) -> Decision:
        """What a build would do."""

    def generate(self, ctx: GenerateContext) -> GenerateResult:
        """Of an extension: its Dockerfiles."""

    def on_error(self, error: CnbkitError) -> None:
        """See a fault before it is printed."""
