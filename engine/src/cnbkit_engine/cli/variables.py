"""`--env K=V`, as every command that has it reads it."""

from __future__ import annotations

import os

import click

__all__ = ["build_variables", "given_variables"]


def given_variables(options: tuple[str, ...]) -> dict[str, str]:
    """Variables from `K=V`, or `K` alone for this shell's value; left out if it has none.

    Raises:
        click.BadParameter: an option without a name.
    """
    found = {}
    for item in options:
        name, given, value = item.partition("=")
        if not name:
            raise click.BadParameter("expected K=V", param_hint="--env")
        if given:
            found[name] = value
        elif name in os.environ:
            found[name] = os.environ[name]
    return found


def build_variables(options: tuple[str, ...]) -> dict[str, str]:
    """Variables for buildpacks, as `given_variables`.

    Raises:
        click.BadParameter: an option without a name, or with one that is a path.
    """
    # Each becomes a file of the platform directory.
    if any("/" in item.partition("=")[0] for item in options):
        raise click.BadParameter("expected K=V", param_hint="--env")
    return given_variables(options)
