"""The option `--platform`: which processor images are for."""

from __future__ import annotations

import click

__all__ = ["architecture", "platform_option"]

_KNOWN = {"linux/amd64": "amd64", "linux/arm64": "arm64", "linux/arm64/v8": "arm64"}

platform_option = click.option(
    "--platform",
    metavar="OS/ARCH",
    help="linux/amd64 or linux/arm64; this machine's if not given, another one's is emulated.",
)


def architecture(platform: str | None) -> str:
    """`amd64` or `arm64`; empty for this machine's.

    Raises:
        click.BadParameter: it is neither.
    """
    if platform is not None and platform not in _KNOWN:
        raise click.BadParameter("expected linux/amd64 or linux/arm64", param_hint="--platform")
    return _KNOWN[platform] if platform else ""
