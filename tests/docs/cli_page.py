"""docs/reference/cli.md, made of what the commands say of themselves.

python -m tests.docs.cli_page >docs/reference/cli.md
"""

from __future__ import annotations

import click

from cnbkit_engine.cli.group import COMMANDS
from cnbkit_engine.cli.group import cnbkit as group

__all__ = ["render"]

_HEAD = """\
# Command line

Every command says `--help`. Faults go to stderr; [exit codes](exit-codes.md) say whose they are.
`check`, `inspect` and `plan` print one JSON object with `--json`.

"""


def render() -> str:
    """The page."""
    parts = [_HEAD]
    # As `cnbkit` is called: its settings name the help options, which commands inherit.
    with click.Context(group, info_name="cnbkit", **group.context_settings) as context:
        for name in sorted(COMMANDS):
            command = group.get_command(context, name)
            assert command is not None
            with click.Context(
                command, info_name=name, parent=context, terminal_width=96, max_content_width=96
            ) as inner:
                parts.append(_section(name, command, inner))
                if isinstance(command, click.Group):
                    parts += _below(name, command, inner)
    return "".join(parts).rstrip() + "\n"


def _below(name: str, group: click.Group, context: click.Context) -> list[str]:
    parts = []
    for part in group.list_commands(context):
        command = group.get_command(context, part)
        assert command is not None
        with click.Context(
            command, info_name=part, parent=context, terminal_width=96, max_content_width=96
        ) as inner:
            parts.append(_section(f"{name} {part}", command, inner))
    return parts


def _section(name: str, command: click.Command, context: click.Context) -> str:
    return f"## {name}\n\n```text\n{command.get_help(context).rstrip()}\n```\n\n"


if __name__ == "__main__":
    print(render(), end="")
