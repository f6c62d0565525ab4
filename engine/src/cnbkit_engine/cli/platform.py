"""`cnbkit platform`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnbkit.errors import PlatformFault, UserFault
from cnbkit_engine.cli.say import say

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PLATFORMS", "command", "rendered"]

PLATFORMS = ("kpack", "tekton", "gitlab", "jenkins", "circleci", "github")
"""Where images are built, each with files of its own."""

_TEMPLATES = Path(__file__).with_name("templates") / "platform"
# `$`, `{{` and `<<` are the platforms' own.
_WORD = re.compile(r"@\{(\w+)\}")
# An address may stand before each `/`; its port makes a colon there no tag.
_NAME = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+(?::[0-9]+)?|localhost(?::[0-9]+)?)"
_REGISTRY = re.compile(rf"{_HOST}(?:/{_NAME})*")
_IMAGE = re.compile(rf"{_HOST}(?:/{_NAME})+(?::[\w.-]+)?(?:@sha256:[0-9a-f]{{64}})?")
_APP = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_GIT = re.compile(r"(https?|ssh)://[\w.@:/~+-]+|[\w.-]+@[\w.-]+:[\w./~+-]+")
_STACK = "cnbkit.bookworm"  # the label io.buildpacks.stack.id of cnbkit's base images


@click.command("platform")
@click.argument("kind", type=click.Choice(PLATFORMS), metavar="PLATFORM")
@click.option(
    "--registry",
    metavar="REF",
    required=True,
    help="Where images are pushed: host and path, such as registry.example.com/ml.",
)
@click.option(
    "--builder", "-B", metavar="REF", help="The builder image; REGISTRY/builder:1 if not given."
)
@click.option(
    "--app", metavar="NAME", default="my-app", show_default=True, help="The image's name."
)
@click.option(
    "--git",
    metavar="URL",
    help="The app's repository, for platforms that fetch it: kpack and tekton.",
)
@click.option(
    "--output",
    "-o",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=".",
    show_default=True,
    metavar="DIR",
    help="Where to write the files.",
)
def command(
    kind: str, registry: str, builder: str | None, app: str, git: str | None, folder: Path
) -> None:
    """Write the files with which PLATFORM builds images.

    PLATFORM is kpack, tekton, gitlab, jenkins, circleci or github. Nothing is overwritten.
    """
    files = rendered(kind, registry=registry, builder=builder, app=app, git=git)
    _write(folder, files)
    for name in files:
        say(f"Written {folder / name}")


def rendered(
    kind: str,
    *,
    registry: str,
    builder: str | None = None,
    app: str = "my-app",
    git: str | None = None,
) -> dict[str, str]:
    """A platform's files: path → text.

    Args:
        kind: one of `PLATFORMS`.
        registry: where images are pushed, host and path.
        builder: the builder image.
        app: the image's name; in Kubernetes the object's, too.
        git: address of the app's repository.

    Raises:
        UserFault: a value is not what it has to be; all such are named.
    """
    from importlib.metadata import version

    from cnbkit_engine.lifecycle.install import LIFECYCLE_VERSION

    registry = registry.rstrip("/")
    _check(registry, builder, app, git)
    builder = builder or f"{registry}/builder:1"
    git = git or f"https://git.example.com/{app}.git"
    host, _, path = registry.partition("/")
    words = {
        "app": app,
        "builder": builder,
        "builder_tag": builder.partition("@")[0],  # where it is pushed, whatever it is now
        "git": git,
        "host": host,
        "lifecycle": LIFECYCLE_VERSION,
        "path": f"{path}/" if path else "",
        "registry": registry,
        "registry_url": f"https://{host}",
        "stack": _STACK,
        "version": version("cnbkit"),
    }
    return {
        name: _WORD.sub(lambda match: words[match[1]], text)
        for name, text in _templates(kind).items()
    }


def _check(registry: str, builder: str | None, app: str, git: str | None) -> None:
    wrong = [
        f"{option} {value!r}: expected {expected}"
        for option, value, pattern, expected in (
            ("--registry", registry, _REGISTRY, "host and path, such as registry.example.com/ml"),
            (
                "--builder",
                builder,
                _IMAGE,
                "an image with its registry, such as REGISTRY/builder:1",
            ),
            ("--app", app, _APP, "lower-case letters, digits and -, 63 at most"),
            ("--git", git, _GIT, "an address such as https://git.example.com/app.git"),
        )
        if value is not None and not pattern.fullmatch(value)
    ]
    if wrong:
        raise UserFault(
            "these values cannot stand in the files",
            where="command line",
            remedy="correct what is named below",
            detail="\n".join(wrong),
        )


def _templates(kind: str) -> Mapping[str, str]:
    folder = _TEMPLATES / kind
    return {
        path.relative_to(folder).as_posix().removesuffix(".tmpl"): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.tmpl"))
    }


def _write(folder: Path, files: Mapping[str, str]) -> None:
    there = [name for name in files if (folder / name).exists()]
    if there:
        raise UserFault(
            f"these files are there already, and nothing is overwritten: {', '.join(there)}",
            where=str(folder),
            remedy="choose another place with --output, or move them away",
        )
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PlatformFault(
            f"cannot write {error.filename}: {error.strerror}",
            where=str(folder),
            remedy="choose a folder you may write to with --output",
        ) from None
