"""Options of the commands that start an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cnbkit_engine.cli.variables import given_variables
from cnbkit_engine.cli.volumes import given_volumes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cnbkit_engine.run.run import RunOptions
    from cnbkit_engine.sandbox.view import Port

__all__ = ["given_options", "run_options"]

_UNITS = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_LEAST = 16 << 20  # bytes; no sandbox begins with less
_OPTIONS = (
    click.option(
        "--env",
        "-e",
        "variables",
        metavar="K[=V]",
        multiple=True,
        help="Add a variable; without =V, this shell's value.",
    ),
    click.option(
        "--volume",
        "volumes",
        metavar="HOST:TARGET",
        multiple=True,
        help="Show a file or folder of this machine; writable with :rw behind it.",
    ),
    click.option(
        "--tmpfs", metavar="TARGET", multiple=True, help="Have an empty folder in memory there."
    ),
    click.option(
        "--publish",
        "ports",
        metavar="[ADDRESS:]PORT:PORT",
        multiple=True,
        help="Reach a port of the image (the second) by one of this machine; with slirp4netns or"
        " pasta in a network of its own.",
    ),
    click.option(
        "--network",
        type=click.Choice(["host", "none", "private"]),
        help="This machine's; none; or one of its own, where its ports are not this machine's and"
        " this machine's loopback cannot be reached. Without it host, or private for --publish.",
    ),
    click.option("--user", metavar="USER[:GROUP]", default="", help="In place of the image's."),
    click.option(
        "--workdir", "-w", metavar="FOLDER", default="", help="Start there, in the image."
    ),
    click.option(
        "--memory",
        "-m",
        metavar="SIZE",
        default="",
        help="How much all processes may have together: bytes, or with k, m or g behind it.",
    ),
    click.option("--read-only", is_flag=True, help="Nothing of the image may be written."),
)


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options; `given_options` reads them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def given_options(
    variables: tuple[str, ...],
    volumes: tuple[str, ...],
    tmpfs: tuple[str, ...],
    ports: tuple[str, ...],
    network: str | None,
    user: str,
    workdir: str,
    memory: str,
    *,
    read_only: bool,
    terminal: bool = False,
) -> RunOptions:
    """What they say.

    Raises:
        click.BadParameter: one is not of its form.
    """
    from cnbkit_engine.run.run import RunOptions

    return RunOptions(
        env=given_variables(variables),
        binds=given_volumes(volumes),
        tmpfs=tuple(_absolute("--tmpfs", each) for each in tmpfs),
        ports=tuple(_ports(ports)),
        network=network or "",
        user=user,
        working_dir=_absolute("--workdir", workdir) if workdir else "",
        read_only=read_only,
        memory=_size(memory) if memory else 0,
        terminal=terminal,
    )


def _absolute(option: str, path: str) -> str:
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not path.startswith("/") or ".." in parts or (not parts and option == "--tmpfs"):
        raise click.BadParameter(f"{path!r} is not a full path", param_hint=option)
    return f"/{'/'.join(parts)}"


def _size(text: str) -> int:
    number, unit = (text[:-1], text[-1].lower()) if text[-1:].isalpha() else (text, "b")
    digits = number.isascii() and number.isdigit()
    size = int(number[:18]) * _UNITS[unit] if digits and unit in _UNITS else 0
    if size < _LEAST:
        raise click.BadParameter(
            f"{text!r} is not a size of at least {_LEAST >> 20}m, like 512m or 2g",
            param_hint="--memory",
        )
    return size


def _ports(options: Iterable[str]) -> Iterable[Port]:
    from cnbkit_engine.sandbox.view import Port

    for text in options:
        address, colon, rest = text.rpartition(":")[0].rpartition(":")
        outside, inside = rest, text.rpartition(":")[2]
        if not _is_port(outside) or not _is_port(inside) or (colon and not _is_address(address)):
            raise click.BadParameter(
                f"{text!r} is not PORT:PORT or ADDRESS:PORT:PORT", param_hint="--publish"
            )
        port = Port(int(inside), int(outside))
        yield Port(port.inside, port.outside, address) if colon else port


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536


def _is_address(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 4 and all(p.isascii() and p.isdigit() and int(p[:4]) < 256 for p in parts)
