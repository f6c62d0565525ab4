"""The option `--base`: which Debian images stand on."""

from __future__ import annotations

import click

__all__ = ["BASES", "base_option"]

BASES = ("trixie", "bookworm")
"""Names of `base.suites`, which a command imports when it runs."""

base_option = click.option(
    "--base",
    type=click.Choice(BASES),
    default=None,
    help="Debian 13 with Python 3.13, or Debian 12 with 3.11. If not given: the builder's, and "
    "of several the one whose Python fits the app, else trixie.",
)
