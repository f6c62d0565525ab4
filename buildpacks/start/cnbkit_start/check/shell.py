"""A line for a shell, cut into the commands it runs, as far as that can be told by reading."""

from __future__ import annotations

__all__ = ["UNKNOWN", "simple_commands"]

UNKNOWN = "\0"
"""Stands in a word for what only the shell knows: a variable, what a command prints, a pattern."""

_OPERATORS = ";&|\n"
# What begins something that no list of simple commands describes.
_COMPOUND = (
    *("if", "for", "while", "until", "case", "select", "function", "{", "}", "[[", "coproc"),
    *("then", "else", "elif", "fi", "do", "done", "esac", "time", "!"),
)


def simple_commands(line: str) -> list[list[str]] | None:
    """Words of each command of a line; None if it is more than a list of them.

    Words are without quotes, assignments before a program among them; redirections are left out.
    After `||` a command may never run, so that and what follows is left out.
    """
    words = _words(line)
    if words is None:
        return None
    commands: list[list[str]] = [[]]
    skip = False
    for word in words:
        if word is None:
            continue
        if word == ("||",):
            break
        if isinstance(word, tuple):
            if word[0] == "redirect":
                skip = True
            else:
                commands.append([])
                skip = False
        elif skip:
            skip = False
        elif word in _COMPOUND and all(map(_assigns, commands[-1])):
            return None
        else:
            commands[-1].append(word)
    return [each for each in commands if not all(map(_assigns, each))]


def _assigns(word: str) -> bool:
    name, sign, _ = word.partition("=")
    return bool(sign) and name.isidentifier()


def _words(line: str) -> list[str | tuple[str]] | None:
    """Words as texts, operators as tuples; None for subshells and functions."""
    found: list[str | tuple[str]] = []
    word = ""
    begun = False
    at = 0
    while at < len(line):
        char = line[at]
        if char in " \t":
            if begun:
                found.append(word)
            word, begun = "", False
            at += 1
        elif char == "#" and not begun:
            while at < len(line) and line[at] != "\n":
                at += 1
        elif char in "()":
            return None
        elif char in _OPERATORS:
            if begun:
                found.append(word)
            word, begun = "", False
            if line.startswith("||", at):
                found.append(("||",))
                at += 2
            elif line.startswith("&>", at):
                found.append(("redirect",))
                at += 2
            else:
                found.append((char,))
                at += 2 if line.startswith("&&", at) else 1
        elif char in "<>":
            if line.startswith("<<", at):
                return None
            if begun and not word.isdigit():
                found.append(word)
            word, begun = "", False
            found.append(("redirect",))
            at += 1
            while at < len(line) and line[at] in ">&|":
                at += 1
        else:
            text, at = _piece(line, at)
            if at < 0:
                return None
            word, begun = word + text, True
    if begun:
        found.append(word)
    return found


def _piece(line: str, at: int) -> tuple[str, int]:
    """A character, or what is quoted or substituted, and where it ends; -1 if it does not."""
    char = line[at]
    if char == "\\":
        return line[at + 1 : at + 2], at + 2
    if char == "'":
        end = line.find("'", at + 1)
        return line[at + 1 : end], end + 1 if end >= 0 else -1
    if char == '"':
        text = ""
        at += 1
        while at < len(line) and line[at] != '"':
            piece, at = _piece(line, at) if line[at] in "\\$`" else (line[at], at + 1)
            if at < 0:
                return "", -1
            text += piece
        return text, at + 1 if at < len(line) else -1
    if char == "`":
        end = line.find("`", at + 1)
        return UNKNOWN, end + 1 if end >= 0 else -1
    if char == "$":
        return _substitution(line, at)
    return UNKNOWN if char in "*?[]~{" else char, at + 1


def _substitution(line: str, at: int) -> tuple[str, int]:
    """`$NAME`, `${…}`, `$(…)`."""
    opening = line[at + 1 : at + 2]
    closing = {"{": "}", "(": ")"}.get(opening)
    end = at + 1
    if closing is None:
        while end < len(line) and (line[end].isalnum() or line[end] == "_"):
            end += 1
        # `$?`, `$$`, `$@`
        return UNKNOWN, max(end, at + 2)
    depth = 0
    while end < len(line):
        depth += (line[end] == opening) - (line[end] == closing)
        end += 1
        if not depth:
            return UNKNOWN, end
    return "", -1
