"""Processes that a TOML file declares: pyproject.toml, project.toml or a file of their own."""

from __future__ import annotations

from cnbkit import Process, UserFault
from cnbkit.app import App
from cnbkit_start.process import Found
from cnbkit_start.procfile import command_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["TABLE", "read_file", "read_table"]

TABLE = "tool.cnbkit.processes"
_KEYS = ("command", "args", "default", "working-dir", "exec-env")
_REMEDY = (
    'write `type = "command"`, or `type = {command = ["program", "argument"], args = [], '
    'default = false, working-dir = "…", exec-env = ["…"]}`'
)


def read_table(app: App, file: str) -> list[Found]:
    """`[tool.cnbkit.processes]` of a file; empty if it has none.

    Raises:
        UserFault: the file is not TOML, or the table is wrong; every fault with its line.
    """
    text = app.text(file)
    table: Any = app.toml(file)
    for name in TABLE.split("."):
        table = table.get(name) if isinstance(table, dict) else None
    return [] if table is None else _read(file, table, text, TABLE)


def read_file(app: App, file: str) -> list[Found]:
    """A file that holds nothing but processes.

    Raises:
        UserFault: likewise.
    """
    return _read(file, app.toml(file), app.text(file), "")


def _read(file: str, table: object, text: str, below: str) -> list[Found]:
    if not isinstance(table, dict):
        line = _line(text, *below.rsplit(".", 1))
        raise UserFault.of(file, [(line, f"{below} is not a table")], remedy=_REMEDY)
    found = []
    problems = []
    for type, value in table.items():
        line = _line(text, below, type)
        try:
            found.append(_process(type, value, f"{file}:{line}"))
        except ValueError as error:
            problems.append((line, str(error)))
    if problems:
        raise UserFault.of(file, problems, remedy=_REMEDY)
    return found


def _process(type: str, value: object, origin: str) -> Found:
    options: dict[str, Any] = value if isinstance(value, dict) else {"command": value}
    unknown = [name for name in options if name not in _KEYS]
    if unknown:
        raise ValueError(f"{type} has no {unknown[0]}; it may have {', '.join(_KEYS)}")
    command = options.get("command")
    if isinstance(command, str):
        text, words = command, command_of(command.strip())
    elif isinstance(command, list) and command and all(isinstance(e, str) for e in command):
        if not command[0]:
            raise ValueError(f"{type}: the command is missing")
        text, words = " ".join(command), command
    else:
        raise ValueError(f"{type}: command must be a text, or a list of texts")
    for name in ("args", "exec-env"):
        each = options.get(name, [])
        if not isinstance(each, list) or any(not isinstance(one, str) for one in each):
            raise ValueError(f"{type}: {name} must be a list of texts")
    if not isinstance(options.get("default", False), bool):
        raise ValueError(f"{type}: default must be true or false")
    if not isinstance(options.get("working-dir", ""), str):
        raise ValueError(f"{type}: working-dir must be a text")
    if "\0" in "".join([*words, *options.get("args", []), options.get("working-dir", "")]):
        raise ValueError(f"{type}: a NUL character cannot be part of a command")
    args = options.get("args", [])
    found = Found(
        type,
        " ".join([text, *args]),
        words,
        origin,
        args=args,
        default=options.get("default", False),
        working_dir=options.get("working-dir") or None,
        exec_env=options.get("exec-env", []),
    )
    if args and words[:2] == ["bash", "-c"]:
        raise ValueError(
            f"{type}: args go with a command that needs no shell; write it as a list of words"
        )
    # Checks the name by the specification's rule.
    Process(type=type, command=words)
    return found


def _line(text: str, below: str, key: str = "") -> int:
    """Where a key of a table stands; good enough for people, and 1 if it is hidden well."""
    inside, key = not below, key.replace(" ", "")
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip().replace(" ", "").replace('"', "").replace("'", "")
        if line.startswith("["):
            header = line.partition("]")[0].strip("[")
            if header in (f"{below}.{key}".strip("."),) or (not key and header == below):
                return number
            inside = header == below
        elif (inside and line.startswith((f"{key}=", f"{key}."))) or line.startswith(
            f"{below}.{key}="
        ):
            return number
    return 1
