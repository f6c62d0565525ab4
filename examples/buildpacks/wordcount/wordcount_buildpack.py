"""Layers in all three states, on work that is easy to follow: counting words."""

from __future__ import annotations

from cnbkit import (
    BuildContext,
    Buildpack,
    BuildResult,
    Config,
    Layer,
    LayerKey,
    Option,
    Process,
    Triggers,
    key,
)


class Settings(Config):
    """What a person who builds may set."""

    smallest = Option.number(
        "BP_WORDCOUNT_SMALLEST", default=1, at_least=1, help="List words that are there so often"
    )


class TotalKey(LayerKey):
    """What the total depends on: with these unchanged it is taken from the last image."""

    pages: list[str] = key("pages")
    smallest: int = key("BP_WORDCOUNT_SMALLEST")


class WordCount(Buildpack):
    """Gives the image a list of the words of pages/*.md and how often each is there."""

    triggers = Triggers("pages/*.md")
    config = Settings
    # Kept between builds, for itself alone: never in the image.
    counted = Layer.cached("counted")
    # In the image, for the app: re-used from the last image while its key fits.
    total = Layer.launch("total")

    def build(self, ctx: BuildContext) -> BuildResult:
        """Count what is new; add up what has changed."""
        from collections import Counter
        from hashlib import sha256

        words: Counter[str] = Counter()
        digests = {}
        with ctx.layer(self.counted) as counted:
            new = 0
            for page in sorted(ctx.app.path.glob("pages/*.md")):
                text = ctx.app.text(f"pages/{page.name}")
                digests[page.name] = sha256(text.encode()).hexdigest()[:16]
                known = counted.path / digests[page.name]
                if not known.exists():
                    new += 1
                    known.write_text("\n".join(text.lower().split()))
                words.update(known.read_text().split("\n"))
            ctx.log.info(f"{new} of {len(digests)} pages are new")

        wanted = TotalKey(
            # What follows ` #` counts, but the log does not show it.
            pages=[f"{name} #{digest}" for name, digest in digests.items()],
            smallest=Settings.read(ctx.settings).smallest,
        )
        with ctx.layer(self.total, wanted) as total:
            if total.rebuild:
                often = [each for each in words.most_common() if each[1] >= wanted.smallest]
                lines = [f"{count} {word}\n" for word, count in often]
                (total.path / "words.txt").write_text("".join(lines))
                total.env.launch.override("WORDS", total.path / "words.txt")
        return BuildResult(Process(type="words", command=["sh", "-c", 'cat "$WORDS"']))
