"""The `cnbkit` command.

Each subcommand lives in a module of its own that is imported only when it is asked for, so that
`cnbkit build` does not pay for what `cnbkit check` needs.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final, NoReturn

import click

from cnbkit.errors import CnbkitError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

__all__ = ["COMMANDS", "cnbkit", "main"]

COMMANDS: Final[Mapping[str, str]] = {
    "build": "cnbkit_engine.cli.build:command",
    "builder": "cnbkit_engine.cli.builder:command",
    "check": "cnbkit_engine.cli.check:command",
    "ci": "cnbkit_engine.cli.ci:command",
    "completion": "cnbkit_engine.cli.completion:command",
    "inspect": "cnbkit_engine.cli.inspect:command",
    "new": "cnbkit_engine.cli.new:command",
    "package": "cnbkit_engine.cli.package:command",
    "prepare": "cnbkit_engine.cli.prepare:command",
    "prune": "cnbkit_engine.cli.prune:command",
    "rebase": "cnbkit_engine.cli.rebase:command",
    "run": "cnbkit_engine.cli.run:command",
    "sbom": "cnbkit_engine.cli.sbom:command",
    "test": "cnbkit_engine.cli.test:command",
}
"""Subcommands: name → `module:attribute` of its click command."""


class _LazyGroup(click.Group):
    """A group that imports a subcommand when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name]} is not a click command")
        return command


def _print_version(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:  # noqa: ARG001
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version  # 40 ms, which no other command shall wait for

        click.echo(f"cnbkit {version('cnbkit')}")
        ctx.exit()


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version and exit.",
)
def cnbkit() -> None:
    """Build, run and inspect container images, without Docker and without a Dockerfile."""


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Exit codes: 0; a `CnbkitError`'s own (errors.py); 2 for wrong usage; 130 after Ctrl-C; 143
    after SIGTERM; what the app says for `cnbkit run`.

    Args:
        argv: arguments without the program's name; None for this process's.
    """
    # As an exception, so that every `with` block on the way out tidies up.
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(_run(argv))


def _run(argv: Sequence[str] | None) -> int:
    try:
        code = cnbkit.main(
            args=None if argv is None else list(argv), prog_name="cnbkit", standalone_mode=False
        )
        sys.stdout.flush()
    except CnbkitError as fault:
        click.echo(str(fault), err=True)
        return fault.exit_code
    except click.Abort:
        return 128 + signal.SIGINT
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        # `cnbkit inspect … | head`: Python would complain once more when it flushes on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return code if isinstance(code, int) else 0


def _terminate(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's signature
    sys.exit(128 + number)
