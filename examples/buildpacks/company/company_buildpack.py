"""One buildpack for every image of a company: who answers for it, and what may not be in it."""

from __future__ import annotations

from cnbkit import BuildContext, Buildpack, BuildResult, Model, Plan, UserFault, field

TEAM = "team.toml"
REQUIREMENTS = "requirements.txt"


class Team(Model, hyphens=True):
    """What team.toml has to say."""

    owner: str
    cost_center: str
    contact: str | None = None


class Policy(Model):
    """What policy.toml, beside this file, forbids: package → why."""

    packages: dict[str, str] = field(default_factory=dict)


class Company(Buildpack):
    """Takes part in every build."""

    # No triggers: every build is meant.
    plan = Plan()

    def build(self, ctx: BuildContext) -> BuildResult:
        """Refuse what the policy forbids; else label the image."""
        self._enforce(ctx)
        team = Team.parse(ctx.app.toml(TEAM), name=TEAM, where=TEAM)
        labels = {f"com.example.{name}": value for name, value in team.to_plain().items()}
        ctx.log.info(f"{team.owner} answers for this image")
        return BuildResult(labels=labels)

    def _enforce(self, ctx: BuildContext) -> None:
        import re
        import tomllib
        from pathlib import Path

        text = Path(__file__).with_name("policy.toml").read_text()
        policy = Policy.parse(tomllib.loads(text), name="policy.toml")
        if not ctx.app.has(REQUIREMENTS):
            return
        faults = []
        for number, line in enumerate(ctx.app.text(REQUIREMENTS).splitlines(), 1):
            name = re.split(r"[^\w.-]", line.strip().lower(), maxsplit=1)[0]
            if name in policy.packages:
                faults.append((number, f"{name} is not allowed: {policy.packages[name]}"))
        if faults:
            remedy = "take it out, or ask security@example.com for an exception"
            raise UserFault.of(REQUIREMENTS, faults, remedy=remedy)
