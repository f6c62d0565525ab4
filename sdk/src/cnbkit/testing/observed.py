"""A buildpack under test, which keeps what it sees and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from cnbkit.blame import line_of, wrong_answer
from cnbkit.buildpack import Buildpack
from cnbkit.dry_run import decides
from cnbkit.errors import BuildpackFault
from cnbkit.results import BuildResult, DetectResult

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit.build_context import BuildContext
    from cnbkit.context import DetectContext, GenerateContext
    from cnbkit.errors import CnbkitError
    from cnbkit.extension import GenerateResult
    from cnbkit.testing.source import Source

T = TypeVar("T")

__all__ = ["Observed", "observed"]


class Observed(Buildpack):
    """Passes everything on to the buildpack under test, and keeps what it sees."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.inner = self.__wrapped__ = inner = source.buildpack
        # The phase reads the options before it calls anything here.
        self.config = inner.config  # type: ignore[misc]
        self.answer: DetectResult | None = None
        self.context: BuildContext | None = None
        self.fault: CnbkitError | None = None

    def detect(self, ctx: DetectContext) -> DetectResult:  # noqa: D102
        before = _files(ctx.app.path)
        self.answer = self._answer("detect", self.inner.detect(ctx), DetectResult)
        if changed := sorted({each[0] for each in before ^ _files(ctx.app.path)}):
            raise BuildpackFault(
                f"detect changed the app: {', '.join(changed)}",
                where=line_of(self.inner, "detect"),
                remedy="change the app in build; detects of other buildpacks run at the same time",
            )
        return self.answer

    def build(self, ctx: BuildContext) -> BuildResult:  # noqa: D102
        self.context = ctx
        return self._answer("build", self.inner.build(ctx), BuildResult)

    def generate(self, ctx: GenerateContext) -> GenerateResult:  # noqa: D102
        return self.inner.generate(ctx)

    def on_error(self, error: CnbkitError) -> None:  # noqa: D102
        self.fault = error
        self.inner.on_error(error)

    def _answer(self, phase: str, answer: object, kind: type[T]) -> T:
        if not isinstance(answer, kind):
            raise wrong_answer(self.inner, phase, answer, kind)
        return answer


def _files(app: Path) -> set[tuple[str, int, int, int]]:
    """Every file and folder, with what a change of it changes."""
    found = set()
    for path in app.rglob("*"):
        status = path.lstat()
        size = 0 if path.is_dir() else status.st_size
        time = 0 if path.is_dir() else status.st_mtime_ns
        found.add((path.relative_to(app).as_posix(), status.st_mode, size, time))
    return found


def observed(source: Source) -> Observed:
    """The one of a source, which asks for a decision only if the buildpack has one."""
    inner = source.buildpack
    own = {"decide": lambda _, ctx: inner.decide(ctx)} if decides(inner) else {}
    # Under the buildpack's own name, which faults mention.
    made: Observed = type(type(inner).__name__, (Observed,), own)(source)
    return made
