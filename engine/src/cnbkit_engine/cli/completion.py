"""`cnbkit completion`."""

from __future__ import annotations

import click

from cnbkit_engine.cli.say import say

__all__ = ["command"]

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> None:
    """Print what makes SHELL complete cnbkit's commands and options.

    Put this line into ~/.bashrc or ~/.zshrc, with your shell's name:

        eval "$(cnbkit completion bash)"

    For fish: cnbkit completion fish > ~/.config/fish/completions/cnbkit.fish
    """
    from click.shell_completion import get_completion_class

    from cnbkit_engine.cli.group import cnbkit

    kind = get_completion_class(shell)
    assert kind is not None
    # Not `kind.source()` for bash: it starts bash to ask for its version.
    made = kind(cnbkit, {}, "cnbkit", "_CNBKIT_COMPLETE")
    say(made.source_template % made.source_vars())
