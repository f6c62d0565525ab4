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
    Layer,
    LayerKey,
    Option,
    Triggers,
    key,
)

__all__ = ["Policy", "PolicyInstalled"]

FILE = "policy.toml"


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


class Policy(Buildpack):
    """Judges what is to be installed."""

    repeatable = True
    triggers = Triggers(bindings=("policy",))
    config = Options
    folder = "BP_PYTHON_FOLDER"

    # What was found, for a build in which nothing has changed since; not for the image.
    verdict = Layer.cached("verdict")

    # Whether packages are installed by now.
    final = False

    def build(self, ctx: BuildContext) -> BuildResult:
        """Judge, unless the same was judged today."""
        import time

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
        with ctx.layer(self.verdict, wanted) as layer:
            # A report that is asked for is written each time: its folder is the platform's.
            if layer.rebuild or report:
                from cnbkit_policy.judge import judge

                store = judge(ctx, binding, subject, known, layer.directory, report, wanted.day)
                return BuildResult(store=store)
            with open(f"{layer.directory}/summary.txt", encoding="utf-8") as file:
                ctx.log.info(f"Unchanged: {file.read()}")
        return BuildResult()


class PolicyInstalled(Policy):
    """Judges what was installed."""

    final = True
