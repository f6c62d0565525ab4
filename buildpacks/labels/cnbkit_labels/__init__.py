"""Image labels from business-tags.yaml."""

from __future__ import annotations

from cnbkit import Buildpack, Triggers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, Built

__all__ = ["Labels"]

FILES = ("business-tags.yaml", "business-tags.yml")
PREFIX = "BP_LABELS_PREFIX"
MAX_FILE = 32 * 1024

_REMEDY = 'write `key: value` lines, nested or not, with values that hold ": " or "#" in quotes'


class Labels(Buildpack):
    """Puts what business-tags.yaml says on the image; joins whenever it is there."""

    triggers = Triggers(*FILES)

    def build(self, ctx: BuildContext) -> Built:
        """Read the file; every fault of it at once."""
        from cnbkit import Built, UserFault
        from cnbkit_labels import rules, simple

        file = _the_file(ctx)
        prefix = _prefix(ctx)
        text = ctx.app.text(file)
        if len(text) > MAX_FILE:
            what = f"{len(text)} characters; {MAX_FILE} are allowed"
            raise UserFault.of(file, [(1, what)], remedy=_REMEDY)
        problems: list[rules.Problem] = []
        entries = simple.read(text)
        if entries is None:
            from cnbkit_labels import full

            entries, problems = full.read(text)
        labels, broken = rules.check(entries, prefix)
        problems += broken
        if problems:
            raise UserFault.of(file, problems, remedy=_REMEDY)
        for key, value, line in entries:
            if not value:
                ctx.log.warn(f"{file}:{line}: {key} has no value, so the label is empty")
        count = "1 label" if len(labels) == 1 else f"{len(labels) or 'no'} labels"
        ctx.log.info(f"{count} from {file}{': ' if labels else ''}{', '.join(sorted(labels))}")
        return Built(labels=labels)


def _the_file(ctx: BuildContext) -> str:
    from cnbkit import UserFault

    found = [name for name in FILES if ctx.app.has(name)]
    if len(found) > 1:
        raise UserFault(
            f"both {' and '.join(found)} are there",
            where=", ".join(found),
            remedy=f"keep one of them, {FILES[0]} by preference",
        )
    # Gone since detect: reading the usual one says so.
    return found[0] if found else FILES[0]


def _prefix(ctx: BuildContext) -> str:
    from cnbkit import UserFault
    from cnbkit_labels.rules import key_problem

    prefix = ctx.settings.get(PREFIX)
    if prefix and prefix[-1] not in "./":
        prefix += "."
    # Any key after it would do: what matters is that a sound one stays sound.
    problem = key_problem(f"{prefix}x")
    if problem:
        raise UserFault(
            f"{PREFIX} is {prefix!a}, which makes no good labels: {problem}",
            where=PREFIX,
            remedy=f"set {PREFIX} to something like com.example, or leave it out",
        )
    return prefix
