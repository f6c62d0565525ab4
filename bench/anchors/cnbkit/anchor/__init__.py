"""Joins when there is an app.py; looks itself, so that detect has to start Python."""

from __future__ import annotations

from cnbkit import BuildContext, Buildpack, BuildResult, DetectContext, DetectResult


class Anchor(Buildpack):
    """The smallest buildpack with a detect of its own."""

    def detect(self, ctx: DetectContext) -> DetectResult:
        """Join for an app.py."""
        return ctx.join("found app.py") if ctx.app.has("app.py") else ctx.skip("no app.py")

    def build(self, ctx: BuildContext) -> BuildResult:
        """Contribute nothing."""
        return BuildResult()
