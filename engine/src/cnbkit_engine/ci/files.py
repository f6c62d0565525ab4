"""A platform's files, made of the templates beside this module."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit.errors import UserFault

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PLATFORMS", "rendered"]

PLATFORMS = ("kpack", "tekton", "gitlab", "jenkins", "circleci", "github")
"""Where images are built, each with files of its own."""

_TEMPLATES = Path(__file__).with_name("templates")
_VERSIONS = Path(__file__).with_name("versions.toml")
# `$`, `{{` and `<<` are the platforms' own.
_WORD = re.compile(r"@\{([\w/-]+)\}")
# An address may stand before each `/`; its port makes a colon there no tag.
_NAME = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+(?::[0-9]+)?|localhost(?::[0-9]+)?)"
_REGISTRY = re.compile(rf"{_HOST}(?:/{_NAME})*")
_IMAGE = re.compile(rf"{_HOST}(?:/{_NAME})+(?::[\w.-]+)?(?:@sha256:[0-9a-f]{{64}})?")
_APP = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_GIT = re.compile(r"(https?|ssh)://[\w.@:/~+-]+|[\w.-]+@[\w.-]+:[\w./~+-]+")


def rendered(
    kind: str,
    *,
    registry: str,
    builder: str | None = None,
    app: str = "my-app",
    git: str | None = None,
    base: str = "",
) -> dict[str, str]:
    """A platform's files: path → text.

    Args:
        kind: one of `PLATFORMS`.
        registry: where images are pushed, host and path.
        builder: the builder image.
        app: the image's name; in Kubernetes the object's, too.
        git: address of the app's repository.
        base: `bookworm` or `trixie`, which the base images are made of; the default one if empty.

    Raises:
        UserFault: a value is not what it has to be; all such are named.
    """
    from importlib.metadata import version

    from cnbkit_engine.base.suites import suite_named

    suite = suite_named(base)
    registry = registry.rstrip("/")
    _check(registry, builder, app, git)
    builder = builder or f"{registry}/builder:1"
    git = git or f"https://git.example.com/{app}.git"
    host, _, path = registry.partition("/")
    words = {
        **_versions(),
        "app": app,
        "base": suite.name,
        "builder": builder,
        "builder_tag": builder.partition("@")[0],  # where it is pushed, whatever it is now
        "git": git,
        "git_host": _git_host(git),
        "host": host,
        "path": f"{path}/" if path else "",
        "python": suite.python,
        "registry": registry,
        "registry_url": f"https://{host}",
        "stack": suite.stack,
        "version": version("cnbkit"),
    }
    return {
        name: _WORD.sub(lambda match: words[match[1]], text)
        for name, text in _templates(kind).items()
    }


def _versions() -> dict[str, str]:
    """Versions of others' programs and of GitHub's actions, by name."""
    import tomllib

    table = tomllib.loads(_VERSIONS.read_text(encoding="utf-8"))
    programs = {name: each["version"] for name, each in table["programs"].items()}
    return {**table["actions"], **programs}


def _git_host(git: str) -> str:
    """The server of a repository, as kpack's annotation has it."""
    scheme, separator, rest = git.partition("://")
    if separator:
        return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}"
    return git.partition(":")[0].rpartition("@")[2]


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
