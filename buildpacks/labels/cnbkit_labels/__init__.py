"""Image labels from business-tags.yaml."""

from __future__ import annotations

from cnbkit import Buildpack, Config, Option, Triggers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, Built

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
        help="Put before every key; the dot after it may be left out",
        kind="text like com.example",
    )


class Labels(Buildpack):
    """Puts what business-tags.yaml says on the image; joins whenever it is there."""

    triggers = Triggers(*FILES)
    config = Options

    def build(self, ctx: BuildContext) -> Built:
        """Read the file; every fault of it at once."""
        from cnbkit import Built, UserFault
        from cnbkit_labels import rules, simple

        file = _the_file(ctx)
        prefix = Options.read(ctx.settings).prefix
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
