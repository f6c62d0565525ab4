"""Says, in detect and in build, what came from the platform."""

from __future__ import annotations

import os

from cnbkit import BuildContext, Buildpack, BuildResult, DetectContext, DetectResult, Model, Plan


class Told(Model):
    """What detect was given; it goes to build by the plan, for its log is shown only on failure."""

    setting: str
    binding: str


class PlatformProbe(Buildpack):
    """Joins always."""

    def detect(self, ctx: DetectContext) -> DetectResult:
        """Pass on what is there."""
        plan = Plan().provides("probe").requires("probe", **_told(ctx))
        return ctx.join("there is a platform", plan)

    def build(self, ctx: BuildContext) -> BuildResult:
        """Say what both were given."""
        for told in ctx.plan.read("probe", Told):
            ctx.log.info(f"detect: {told.setting} {told.binding}")
        told_now = _told(ctx)
        ctx.log.info(f"build: {told_now['setting']} {told_now['binding']}")
        ctx.log.info(f"user {os.getuid()}:{os.getgid()}, {ctx.target.arch}, {ctx.exec_env}")
        return BuildResult()


def _told(ctx: DetectContext | BuildContext) -> dict[str, str]:
    binding = ctx.bindings.first("pypi")
    return {
        "setting": ctx.settings.get("BP_PROBE", "-"),
        "binding": f"{binding.name}={binding.text('url')}" if binding else "-",
    }
