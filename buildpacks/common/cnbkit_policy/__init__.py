"""The buildpacks `policy` and `policy-installed`: what an organisation allows in its images.

The first looks at the lock, or at what the app declares without one, before anything of it is
installed. Declared packages are resolved by the buildpack that installs them; so the second looks
again once that is known.
"""

from __future__ import annotations

from cnbkit import (
    BuildContext,
    Buildpack,
    BuildResult,
    Config,
    Decision,
    Layer,
    LayerKey,
    Option,
    Triggers,
    key,
)

__all__ = ["Policy", "PolicyInstalled"]

FILE = "policy.toml"
_SUMMARY = "summary.txt"


class Options(Config):
    """What people may set."""

    report = Option.text("BP_POLICY_REPORT", help="Folder for policy.json and policy.sarif")


class Inputs(LayerKey):
    """What a verdict depends on."""

    rules: str = key("the policy")
    packages: str = key("packages")
    vulnerabilities: str = key("known vulnerabilities")
    python: str = key("Python")
    hooks: list[str] = key("hooks")
    image: str = key("the run image")
    size: str = key("the size of the image")
    # Exceptions end, and so do versions of Python.
    day: str = key("the day")


class Verdict(Decision):
    """What was found.

    Attributes:
        wanted: what it depends on.
        summary: path of what is said of it, if it was judged anew.
    """

    def __init__(
        self,
        wanted: Inputs | None = None,
        summary: str = "",
        result: BuildResult | None = None,
        *,
        rest: str = "",
    ) -> None:
        super().__init__(result, rest=rest)
        self.wanted = wanted
        self.summary = summary


class Policy(Buildpack[Verdict]):
    """Judges what is to be installed."""

    repeatable = True
    triggers = Triggers(bindings=("policy",))
    config = Options
    folder = "BP_PYTHON_FOLDER"

    # What was found, for a build in which nothing has changed since; not for the image.
    verdict = Layer.cached("verdict")

    # Whether packages are installed by now.
    final = False

    def decide(self, ctx: BuildContext) -> Verdict:
        """Judge, unless the same was judged today."""
        import time

        if ctx.dry and self.final:
            return Verdict(rest="what the policy says of the packages once they are installed")
        from cnbkit_policy.size import Contents
        from cnbkit_policy.subject import Subject, digest

        binding = ctx.bindings.first("policy")
        text = binding.text(FILE) if binding else ""
        subject = Subject(ctx, final=self.final)
        known = ctx.bindings.first("osv")
        wanted = Inputs(
            rules=digest(text.encode()),
            packages=subject.digest(),
            vulnerabilities="" if known is None else Subject.digest_of_folder(known),
            python=subject.python,
            hooks=subject.hooks,
            image=f"{subject.distro} {subject.run_image if 'base' in text else ''}".strip(),
            size=Contents.of(ctx).digest() if "max-size" in text else "",
            day=time.strftime("%Y-%m-%d", time.gmtime()),
        )
        report = Options.read(ctx.settings).report
        layer = ctx.look(self.verdict, wanted)
        # A report that is asked for is written each time: its folder is the platform's.
        if layer.rebuild or report:
            from cnbkit_policy.judge import judge

            store = judge(ctx, binding, subject, known, ctx.scratch, report, wanted.day)
            decision = Verdict(wanted, f"{ctx.scratch}/{_SUMMARY}", BuildResult(store=store))
        else:
            decision = Verdict(wanted)
            with open(f"{layer.directory}/{_SUMMARY}", encoding="utf-8") as file:
                ctx.log.info(f"Unchanged: {file.read()}")
        decision.layer(self.verdict, wanted)
        return decision

    def contribute(self, ctx: BuildContext, decision: Verdict) -> BuildResult:
        """Remember what was found."""
        with ctx.layer(self.verdict, decision.wanted) as layer:
            if decision.summary:
                import os

                os.replace(decision.summary, f"{layer.directory}/{_SUMMARY}")
        return decision.result


class PolicyInstalled(Policy):
    """Judges what was installed."""

    final = True
