"""Faults of locks and projects: the file and its line, the reason, the one change."""

from __future__ import annotations

import re

from cnbkit import BuildContext, UserFault

__all__ = ["line_of", "no_lock", "reason", "unreadable_project", "wrong_python"]

_PLACE = re.compile(r"\s*\(?at line (?P<line>\d+)(?:, column \d+)?\)?|\bline (?P<other>\d+)\b")
# Faults of a schema, one a line below a heading.
_LISTED = re.compile(r"^[ \t]*- (.+)$", re.MULTILINE)
_LACKING = re.compile(r"- (?P<table>[\w.-]+) must contain \['(?P<key>\w+)'")
_CONFLICT = ("<<<<<<< ", ">>>>>>> ", "||||||| ")


def no_lock(ctx: BuildContext, lock: str, kind: str, error: Exception, relock: str) -> UserFault:
    """A lock cannot be parsed.

    Args:
        ctx: the build.
        lock: the file.
        kind: what it should be: TOML, JSON.
        error: what the parser says.
        relock: the command that makes it.
    """
    lines = ctx.app.bytes(lock).decode("utf-8", "replace").splitlines()
    for number, line in enumerate(lines, 1):
        if line.startswith(_CONFLICT) or line == "=======":
            return UserFault(
                f"git has left a conflict in {lock}",
                where=f"{lock}:{number}",
                remedy=f"merge what it is made from, run `{relock}` and commit its {lock}",
            )
    place, text = reason(str(error))
    return UserFault(
        f"{lock} is not {kind}: {text}",
        where=f"{lock}:{place}" if place else lock,
        remedy=f"run `{relock}` and commit its {lock}; never merge it by hand",
    )


def reason(text: str) -> tuple[str, str]:
    """The line that a message names, and the message's first sentence without it."""
    found = _PLACE.search(text)
    first = _PLACE.sub("", next((each for each in text.splitlines() if each.strip()), text)).strip()
    return (found["line"] or found["other"] if found else ""), first.rstrip(":,;. ") or text.strip()


def line_of(ctx: BuildContext, file: str, *words: str) -> str:
    """`file:line` of the first line that begins with one of these words; the file if none does."""
    for number, line in enumerate(ctx.app.text(file).splitlines(), 1):
        if line.strip().strip("\"'").startswith(words):
            return f"{file}:{number}"
    return file


def wrong_python(
    ctx: BuildContext, wanted: str, version: str, file: str, words: tuple[str, ...], relock: str
) -> UserFault:
    """The project is for another Python than the image has.

    Args:
        ctx: the build.
        wanted: what the project says.
        version: the image's.
        file: that says it.
        words: with which the line begins.
        relock: the command that makes the lock.
    """
    return UserFault(
        f"the project wants Python {wanted}, and this image has {version}",
        where=line_of(ctx, file, *words),
        remedy="choose the Python with .python-version or BP_PYTHON_VERSION; or change this line "
        f"and run `{relock}`",
    )


def unreadable_project(
    ctx: BuildContext, tool: str, file: str, error: Exception, check: str
) -> UserFault:
    """A project that its tool refuses.

    Args:
        ctx: the build.
        tool: what to call it.
        file: the project's.
        error: what the tool's library says.
        check: the command that says the same.
    """
    # A line that it names is not the file's, which is TOML for sure: of a marker, perhaps.
    said = str(error) or type(error).__name__
    listed = _LISTED.findall(said)
    if lacking := _LACKING.search(said):
        table, key = lacking["table"], lacking["key"]
        return UserFault(
            f"{tool} cannot read {file}: [{table}] has no {key}",
            where=line_of(ctx, file, f"[{table}]"),
            remedy=f"add the line `{key} = …` below [{table}]",
            detail=said,
        )
    _, text = reason(listed[0] if listed else said)
    words = re.findall(r"[\"'`]([A-Za-z][\w.-]+)[\"'`]", text)
    where = line_of(ctx, file, *words) if words else file
    return UserFault(
        f"{tool} cannot read {file}: {text}",
        where=where,
        remedy=f"correct it; `{check}` says the same",
        detail=str(error) if "\n" in str(error).strip() else None,
    )
