"""Who answers for an image: the team that CODEOWNERS names for all files."""

from __future__ import annotations

from cnbkit import BuildContext, Buildpack, BuildResult, Plan, UserFault

# Where GitHub and GitLab look for it, in their order.
FILES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
LABEL = "com.example.owner"


class Owners(Buildpack):
    """Takes part in every build: nothing is to run that nobody answers for."""

    plan = Plan()

    def build(self, ctx: BuildContext) -> BuildResult:
        """Label the image with the owner of `*`."""
        file = next((name for name in FILES if ctx.app.has(name)), "")
        if not file:
            raise UserFault(
                "nobody answers for this app: there is no CODEOWNERS",
                where="CODEOWNERS",
                remedy="add it, with a line like `* @example/your-team`",
            )
        owner, problems = _owner(ctx.app.text(file))
        if problems or not owner:
            found = problems or [(1, "no line says who owns `*`")]
            remedy = "write one team for all files: `* @example/your-team`"
            raise UserFault.of(file, found, remedy=remedy)
        ctx.log.info(f"{owner} answers for this image, says {file}")
        return BuildResult(labels={LABEL: owner})


def _owner(text: str) -> tuple[str, list[tuple[int, str]]]:
    """The owner of everything, as the last line that says one has it; and what is wrong."""
    owner, problems = "", []
    for number, line in enumerate(text.splitlines(), 1):
        pattern, *teams = line.partition("#")[0].split() or [""]
        if pattern != "*":
            continue
        if len(teams) != 1 or not teams[0].startswith("@example/"):
            problems.append((number, f"{' '.join(teams) or 'nobody'} is not a team of ours"))
        else:
            owner = teams[0].removeprefix("@example/")
    return owner, problems
