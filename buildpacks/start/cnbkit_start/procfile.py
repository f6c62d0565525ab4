"""Procfile: one `type: command` a line.

Where the format came from (Heroku, foreman) a shell runs every command. Here one runs only
where the command needs it, so that signals and arguments given at `run` reach the app.
"""

from __future__ import annotations

from cnbkit import Process

__all__ = ["Entry", "command_of", "parse"]

_BLANK = " \t\r"
# Unquoted, each means something to a shell. Quoted it may not, but bash does no harm then.
_SHELL = "$`&|;<>()*?[]{}~#!"
_COMPOUND = ";&|()"
# What bash itself does, or reads as syntax: `exec` in front would look for a program.
_OF_BASH = (
    *("!", ".", ":", "[[", "alias", "builtin", "case", "cd", "command", "coproc", "declare"),
    *("eval", "exec", "exit", "export", "for", "function", "if", "let", "local", "pushd"),
    *("read", "readonly", "select", "set", "shopt", "source", "time", "trap", "type"),
    *("ulimit", "umask", "unset", "until", "wait", "while", "{"),
)


class Entry:
    """One process of a Procfile.

    Attributes:
        type: its name.
        text: the command as written.
        line: where it stands, from 1.
        command: program and arguments, through bash if need be.
    """

    __slots__ = ("command", "line", "text", "type")

    def __init__(self, type: str, text: str, line: int, command: list[str]) -> None:
        self.type = type
        self.text = text
        self.line = line
        self.command = command


def parse(text: str) -> tuple[list[Entry], list[tuple[int, str]]]:
    """Read a Procfile.

    Returns:
        The processes in the file's order, and what is wrong: line number and message.
    """
    entries: dict[str, Entry] = {}
    problems: list[tuple[int, str]] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip(_BLANK)
        if not line or line[0] == "#":
            continue
        type, colon, rest = line.partition(":")
        type, rest = type.rstrip(_BLANK), rest.strip(_BLANK)
        try:
            if not colon:
                raise ValueError("a line without a colon names no process")
            if type in entries:
                raise ValueError(f"{type} is there already, in line {entries[type].line}")
            command = command_of(rest)
            # Checks the name by the specification's rule.
            Process(type=type, command=command)
        except ValueError as error:
            problems.append((number, str(error)))
        else:
            entries[type] = Entry(type, rest, number, command)
    return list(entries.values()), problems


def command_of(line: str) -> list[str]:
    """Program and arguments of a line as people write it, through bash if need be.

    Raises:
        ValueError: it is none.
    """
    if not line or line[0] == "#":
        raise ValueError("the command is missing")
    if any((char < " " and char != "\t") or char == "\x7f" for char in line):
        raise ValueError("the command holds a control character")
    first, *_ = words = _words(line)
    # `NAME=value program` sets a variable, which only a shell does.
    if any(char in _SHELL for char in line) or "=" in first or first in _OF_BASH:
        # bash replaces itself by the last program of a line only if nothing is redirected.
        # With `exec` it does for sure; but that is for a line that is one program.
        plain = line.replace(">&", ">").replace("&>", ">")
        alone = not any(char in _COMPOUND for char in plain)
        by_exec = alone and "=" not in first and first not in _OF_BASH
        return ["bash", "-c", f"exec {line}" if by_exec else line]
    if "'" in line or '"' in line or "\\" in line:
        # Imports `re`, which costs as much as all the rest: most lines have no quotes.
        import shlex

        try:
            words = shlex.split(line)
        except ValueError as error:
            raise ValueError(f"the command cannot be read: {str(error).lower()}") from None
    if not words[0]:
        raise ValueError("the command is missing")
    return words


def _words(line: str) -> list[str]:
    # `str.split()` would also cut at white space that is none to a shell.
    return [word for word in line.replace("\t", " ").split(" ") if word]
