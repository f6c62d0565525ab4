"""`--network`, as the commands read it that make sandboxes."""

from __future__ import annotations

import os

import click

__all__ = ["embedded_network"]

_VARIABLE = "CNBKIT_NETWORK"


def embedded_network(option: str) -> str:
    """The network of a sandbox: as given, else as the variable says; empty if neither does.

    Raises:
        click.BadParameter: it is none that a sandbox can have.
    """
    where = "--network" if option else _VARIABLE
    mode = option or os.environ.get(_VARIABLE, "")
    if not mode:
        return ""
    from cnbkit_engine.sandbox.network import MODES

    if mode not in MODES:
        raise click.BadParameter(f"{mode!r} is not one of {', '.join(MODES)}", param_hint=where)
    return mode
