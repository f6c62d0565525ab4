"""A buildpack under test, which keeps what it sees and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.buildpack import Buildpack
from cnbkit.dry_run import decides

if TYPE_CHECKING:
    from cnbkit.build_context import BuildContext
    from cnbkit.context import DetectContext, GenerateContext
    from cnbkit.errors import CnbkitError
    from cnbkit.extension import GenerateResult
    from cnbkit.results import BuildResult, DetectResult
    from cnbkit.testing.source import Source

__all__ = ["Observed", "observed"]


class Observed(Buildpack):
    """Passes everything on to the buildpack under test, and keeps what it sees."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.inner = inner = source.buildpack
        # The phase reads the options before it calls anything here.
        self.config = inner.config  # type: ignore[misc]
        self.answer: DetectResult | None = None
        self.context: BuildContext | None = None
        self.fault: CnbkitError | None = None

    def detect(self, ctx: DetectContext) -> DetectResult:  # noqa: D102
        self.answer = self.inner.detect(ctx)
        return self.answer

    def build(self, ctx: BuildContext) -> BuildResult:  # noqa: D102
        self.context = ctx
        return self.inner.build(ctx)

    def generate(self, ctx: GenerateContext) -> GenerateResult:  # noqa: D102
        return self.inner.generate(ctx)

    def on_error(self, error: CnbkitError) -> None:  # noqa: D102
        self.fault = error
        self.inner.on_error(error)


def observed(source: Source) -> Observed:
    """The one of a source, which asks for a decision only if the buildpack has one."""
    inner = source.buildpack
    own = {"decide": lambda _, ctx: inner.decide(ctx)} if decides(inner) else {}
    # Under the buildpack's own name, which faults mention.
    made: Observed = type(type(inner).__name__, (Observed,), own)(source)
    return made
