"""The smallest buildpack."""

from __future__ import annotations

from cnbkit import BuildContext, Buildpack, BuildResult, Process, Triggers


class Hello(Buildpack):
    """Starts an app that has a hello.txt by printing it."""

    triggers = Triggers("hello.txt")

    def build(self, ctx: BuildContext) -> BuildResult:
        """Say what the image starts."""
        ctx.log.info("hello.txt says what to print")
        return BuildResult(Process(type="web", command=["cat", "hello.txt"], default=True))
