"""The `cnbkit` command: its subcommands, and how it ends.

Each subcommand lives in a module of its own that is imported only when it is asked for, so that
`cnbkit build` does not pay for what `cnbkit check` needs.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Final

import click

from cnbkit import __version__
from cnbkit.errors import CnbkitError, UserFault
from cnbkit_engine.cli.say import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["COMMANDS", "cnbkit", "run"]

COMMANDS: Final[Mapping[str, str]] = {
    "adopt": "cnbkit_engine.cli.adopt:command",
    "build": "cnbkit_engine.cli.build:command",
    "builder": "cnbkit_engine.cli.builder:command",
    "check": "cnbkit_engine.cli.check:command",
    "ci": "cnbkit_engine.cli.ci:command",
    "completion": "cnbkit_engine.cli.completion:command",
    "dependency": "cnbkit_engine.cli.dependency:command",
    "doctor": "cnbkit_engine.cli.doctor:command",
    "images": "cnbkit_engine.cli.images:command",
    "inspect": "cnbkit_engine.cli.inspect:command",
    "new": "cnbkit_engine.cli.new:command",
    "package": "cnbkit_engine.cli.package:command",
    "plan": "cnbkit_engine.cli.plan:command",
    "prepare": "cnbkit_engine.cli.prepare:command",
    "prune": "cnbkit_engine.cli.prune:command",
    "push": "cnbkit_engine.cli.push:command",
    "rebase": "cnbkit_engine.cli.rebase:command",
    "rmi": "cnbkit_engine.cli.rmi:command",
    "run": "cnbkit_engine.cli.run:command",
    "sbom": "cnbkit_engine.cli.sbom:command",
    "shell": "cnbkit_engine.cli.shell:command",
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
        say(f"cnbkit {__version__}")
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


def run(argv: Sequence[str] | None) -> int:
    """Run the command line; returns the exit code.

    Args:
        argv: arguments without the program's name; None for this process's.
    """
    try:
        code = cnbkit.main(
            args=None if argv is None else list(argv), prog_name="cnbkit", standalone_mode=False
        )
        if sys.stdout is not None:
            sys.stdout.flush()
    except CnbkitError as fault:
        return _failed(fault)
    except (click.Abort, KeyboardInterrupt):
        return 128 + signal.SIGINT
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        return error.exit_code
    except BrokenPipeError:
        # `cnbkit inspect … | head`: Python would complain once more when it flushes on exit.
        _drop_output()
        return 128 + signal.SIGPIPE
    except OSError as error:
        return _failed(_system_fault(error))
    except RecursionError:
        return _failed(
            UserFault(
                "something given to cnbkit is nested too deeply",
                remedy="look for thousands of brackets or folders in each other",
            )
        )
    return code if isinstance(code, int) else 0


def _failed(fault: CnbkitError) -> int:
    say(fault, err=True)
    with suppress(OSError):
        if sys.stdout is not None:
            sys.stdout.flush()
        return fault.exit_code
    _drop_output()
    return fault.exit_code


def _system_fault(error: OSError) -> CnbkitError:
    """The fault for what no other place has caught."""
    from cnbkit_engine.state.disk import disk_fault

    if isinstance(error, FileNotFoundError):
        try:
            os.getcwd()
        except FileNotFoundError:
            return UserFault(
                "the current folder has been removed",
                where=os.environ.get("PWD"),
                remedy="change to another one: cd ~",
            )
    return disk_fault(error, "cnbkit cannot go on", error.filename or "")


def _drop_output() -> None:
    """Let nothing be written any more when the process ends."""
    with suppress(OSError, AttributeError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
