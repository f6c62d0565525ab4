"""Everything the command prints goes through here, and comes out as plain text.

Much of it is others': labels of an image, what a registry answers, lines of a build. A terminal
would carry out the control sequences in it: change its title, write over earlier lines, or answer
as if the person had typed.
"""

from __future__ import annotations

import re

import click

from cnbkit.errors import PlatformFault

__all__ = ["plain", "say"]

_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, screen
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # titles, …
    r"|\x1b[ -/]*[0-~]?"  # what else begins with ESC
)
# All other control characters but tab and line feed, and what turns the writing direction.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Text without anything that a terminal would carry out."""
    text = _SEQUENCE.sub("", text.replace("\r\n", "\n"))
    return _CONTROL.sub("", text).encode(errors="backslashreplace").decode()


def say(text: object, *, err: bool = False) -> None:
    """Print a line, or several, without control sequences.

    Raises:
        BrokenPipeError: whoever read it has gone.
        PlatformFault: it cannot be written.
    """
    try:
        click.echo(plain(str(text)), err=err)
    except BrokenPipeError:
        raise
    except OSError as error:
        if err:
            return  # there is nobody left to tell
        raise PlatformFault(
            f"cannot write to standard output: {error.strerror}",
            where="/dev/stdout",
            remedy="free space where it is sent, or send it elsewhere",
        ) from None
