"""`cnbkit dependency`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cnbkit.errors import PlatformFault, UserFault
from cnbkit_engine.cli.say import say

__all__ = ["command"]

_SECONDS = 60


@click.group("dependency")
def command() -> None:
    """Keep what a buildpack's descriptor lists as its dependencies up to date.

    `cnbkit dependency update DIR FEED` writes the newest versions into it.
    """


@command.command("update")
@click.argument("path", metavar="DIR", type=click.Path(path_type=Path, exists=True))
@click.argument("feed")
@click.option("--check", is_flag=True, help="Change nothing; fail if there is something to change.")
@click.pass_context
def update(ctx: click.Context, path: Path, feed: str, check: bool) -> None:
    """Write the newest versions of FEED into the descriptor of the buildpack in DIR.

    FEED is a file, an address, or - for standard input: a JSON list whose entries have the keys of
    [[metadata.dependencies]]. [[metadata.dependency-constraints]] say which versions are wanted:
    id, constraint (like 20.*), and patches, how many to keep. Entries of other ids stay. With
    --check the exit status is 1 if there is something to change.
    """
    from cnbkit_engine.buildpack.dependency_update import read_feed, updated

    descriptor = _descriptor(path)
    found = updated(descriptor, read_feed(_read(feed), feed))
    for what in found.removed:
        say(f"- {what}")
    for what in found.added:
        say(f"+ {what}")
    changed = found.text != descriptor.read_text(encoding="utf-8")
    if not changed:
        say("nothing to change")
    elif check:
        ctx.exit(1)
    else:
        descriptor.write_text(found.text, encoding="utf-8")


def _descriptor(path: Path) -> Path:
    folder = path if path.is_dir() else path.parent
    for name in ("buildpack.toml", "extension.toml"):
        if (folder / name).is_file():
            return folder / name
    raise UserFault(
        "there is no buildpack.toml or extension.toml", where=str(path), remedy="name a buildpack's"
    )


def _read(feed: str) -> bytes:
    if feed == "-":
        return sys.stdin.buffer.read()
    if feed.startswith(("http://", "https://")):
        from urllib.request import urlopen

        try:
            with urlopen(feed, timeout=_SECONDS) as answer:  # noqa: S310  only these two
                found: bytes = answer.read()
                return found
        except OSError as error:
            raise PlatformFault(
                f"cannot fetch the feed: {error}", where=feed, remedy="check network and proxy"
            ) from None
    try:
        return Path(feed).read_bytes()
    except OSError as error:
        raise UserFault(
            f"cannot read the feed: {error.strerror}",
            where=feed,
            remedy="name a file or an address",
        ) from None
