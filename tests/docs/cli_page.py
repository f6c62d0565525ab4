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
                for part in (
                    command.list_commands(inner) if isinstance(command, click.Group) else ()
                ):
                    below = command.get_command(inner, part)
                    assert below is not None
                    with click.Context(
                        below, info_name=part, parent=inner, terminal_width=96, max_content_width=96
                    ) as context_below:
                        parts.append(_section(f"{name} {part}", below, context_below))
    return "".join(parts).rstrip() + "\n"


def _section(name: str, command: click.Command, context: click.Context) -> str:
    return f"## {name}\n\n```text\n{command.get_help(context).rstrip()}\n```\n\n"


if __name__ == "__main__":
    print(render(), end="")
