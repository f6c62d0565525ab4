"""Image labels: from business-tags.yaml, the organisation, CI variables and project files."""

from __future__ import annotations

from cnbkit import Buildpack, Config, Option, Triggers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, Decision
    from cnbkit_labels.rules import Entry, Problem

__all__ = ["Labels"]

FILES = ("business-tags.yaml", "business-tags.yml")
MAX_FILE = 32 * 1024

_REMEDY = 'write `key: value` lines, nested or not, with values that hold ": " or "#" in quotes'


def _prefix(value: str) -> str:
    from cnbkit_labels.rules import key_problem

    prefix = value if value[-1] in "./" else f"{value}."
    # Any key after it would do: what matters is that a sound one stays sound.
    problem = key_problem(f"{prefix}x")
    if problem:
        raise ValueError(f"which makes no good labels: {problem}")
    return prefix


class Options(Config):
    """What people may set."""

    prefix = Option(
        "BP_LABELS_PREFIX",
        _prefix,
        "",
        help="Put before every key of business-tags.yaml; the dot after it may be left out",
        kind="text like com.example",
    )
    standard = Option.flag(
        "BP_LABELS_STANDARD",
        default=True,
        help="Whether images get the OCI's labels and facts of the build; if set, this buildpack "
        "takes part in every build",
    )


class Labels(Buildpack["Decision"]):
    """Puts labels on the image; what the app says itself goes before everything else."""

    repeatable = True
    triggers = Triggers(
        *FILES,
        "project.toml",
        settings=("BP_LABELS_STANDARD", "BP_OCI_REVISION"),
        bindings=("labels",),
    )
    config = Options

    def decide(self, ctx: BuildContext) -> Decision:
        """Read everything; every fault of the app's file and the rules at once."""
        from cnbkit import BuildResult, Decision, UserFault
        from cnbkit_labels import rules
        from cnbkit_labels.company import company

        options = Options.read(ctx.settings)
        file = _the_file(ctx)
        entries, problems = _entries(ctx, file)
        own, broken = rules.check(entries, options.prefix)
        problems += broken
        wanted = company(ctx)
        labels = {**_standard(ctx, options), **(wanted.defaults if wanted else {}), **own}
        lines = {options.prefix + key: line for key, _, line in entries}
        if wanted:
            problems += wanted.check(labels, lines)
        if problems:
            missing = "" if ctx.app.has(file) else f"add {file}; "
            raise UserFault.of(file, problems, remedy=missing + _REMEDY)
        for key, value, line in entries:
            if not value:
                ctx.log.warning(f"{file}:{line}: {key} has no value, so the label is empty")
        _say(ctx, file, own, labels)
        return Decision(BuildResult(labels=labels))


def _entries(ctx: BuildContext, file: str) -> tuple[list[Entry], list[Problem]]:
    from cnbkit import UserFault
    from cnbkit_labels import simple

    if not ctx.app.has(file):
        return [], []
    text = ctx.app.text(file)
    if len(text) > MAX_FILE:
        what = f"{len(text)} characters; {MAX_FILE} are allowed"
        raise UserFault.of(file, [(1, what)], remedy=_REMEDY)
    entries = simple.read(text)
    if entries is not None:
        return entries, []
    from cnbkit_labels import full

    return full.read(text)


def _standard(ctx: BuildContext, options: Options) -> dict[str, str]:
    if not options.standard:
        return {}
    from cnbkit_labels.rules import value_problem
    from cnbkit_labels.standard import standard

    found = standard(ctx)
    # A title with a control character in it is nobody's wish.
    return {key: value for key, value in found.items() if not value_problem(key, value)}


def _say(ctx: BuildContext, file: str, own: dict[str, str], labels: dict[str, str]) -> None:
    if ctx.app.has(file):
        count = "1 label" if len(own) == 1 else f"{len(own) or 'no'} labels"
        ctx.log.info(f"{count} from {file}{': ' if own else ''}{', '.join(sorted(own))}")
    others = sorted(labels.keys() - own.keys())
    if others:
        ctx.log.info(f"{len(others)} more: {', '.join(others)}")


def _the_file(ctx: BuildContext) -> str:
    from cnbkit import UserFault

    found = [name for name in FILES if ctx.app.has(name)]
    if len(found) > 1:
        raise UserFault(
            f"both {' and '.join(found)} are there",
            where=", ".join(found),
            remedy=f"keep one of them, {FILES[0]} by preference",
        )
    return found[0] if found else FILES[0]
