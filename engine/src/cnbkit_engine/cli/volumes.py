"""`--volume HOST:TARGET[:ro|rw]`, as every command that has it reads it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cnbkit_engine.sandbox.sandbox import Bind

__all__ = ["given_volumes"]


def given_volumes(options: Iterable[str], closed: Iterable[str] = ()) -> tuple[Bind, ...]:
    """Files and folders of this machine to show inside, read-only unless `:rw` is said.

    Args:
        options: as given on the command line.
        closed: folders nothing may be mounted at or below.

    Raises:
        click.BadParameter: one is not of this form, or there is no such file or folder.
    """
    return tuple(_volume(item, tuple(closed)) for item in options)


def _volume(item: str, closed: tuple[str, ...]) -> Bind:
    from cnbkit_engine.sandbox.sandbox import Bind

    source, target, mode, *rest = [*item.split(":"), "", ""][:4]
    parts = [part for part in target.split("/") if part not in ("", ".")]
    if not source or not target.startswith("/") or not parts or ".." in parts or any(rest):
        raise click.BadParameter("expected HOST:/TARGET[:ro|rw]", param_hint="--volume")
    if mode not in ("", "ro", "rw"):
        raise click.BadParameter(f"{mode!r} is neither ro nor rw", param_hint="--volume")
    path = Path(source).expanduser().absolute()
    if not path.exists():
        raise click.BadParameter(f"there is no {path}", param_hint="--volume")
    for folder in closed:
        if f"/{'/'.join(parts)}/".startswith(f"{folder}/"):
            raise click.BadParameter(f"{folder} is the lifecycle's own", param_hint="--volume")
    return Bind(path, f"/{'/'.join(parts)}", writable=mode == "rw")
