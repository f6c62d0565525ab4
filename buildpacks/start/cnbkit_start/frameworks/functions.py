"""Google's Functions Framework: it is the server, main.py has the functions."""

from __future__ import annotations

from cnbkit import UserFault
from cnbkit_start.config import FUNCTION
from cnbkit_start.frameworks.seen import PORT, Seen, process
from cnbkit_start.process import Found
from cnbkit_start.source import read_source

__all__ = ["functions"]

_PACKAGE = "functions-framework"
_DECORATORS = ("http", "cloud_event", "typed")
_FILE = "main.py"


def functions(seen: Seen) -> Found | None:
    """The function that is asked for, else the only one there is.

    Raises:
        UserFault: there are several, or the one that is asked for is not there.
    """
    if not seen.app.has(_FILE):
        return None
    if not seen.packages.has(_PACKAGE):
        if seen.function and seen.packages.complete:
            raise UserFault(
                f"{FUNCTION} names a function, but {_PACKAGE}, which serves it, is not among "
                f"{seen.packages.of_file}",
                where=FUNCTION,
                remedy=seen.packages.to_add(_PACKAGE),
            )
        return None
    code = read_source(seen.app, _FILE).code
    marked = code.functions_under(*(f"functions_framework.{each}" for each in _DECORATORS))
    parameters = code.parameters()
    # One argument is a request; two are an event and its context.
    names = marked or [name for name, count in parameters.items() if count in (1, 2)]
    if seen.function:
        if code.defines(seen.function) is False:
            raise UserFault(
                f"{_FILE} has no function {seen.function}",
                where=FUNCTION,
                remedy=f"set it to one of: {', '.join(names)}" if names else f"write it in {_FILE}",
            )
        name = seen.function
    elif len(names) == 1:
        [name] = names
    elif names:
        raise UserFault(
            f"{_FILE} has {len(names)} functions, and nothing says which one to serve: "
            f"{', '.join(names[:6])}",
            where=_FILE,
            remedy=f"say which: --env {FUNCTION}={names[0]}",
        )
    else:
        return None
    event = name not in marked and parameters.get(name) == 2
    option = " --signature-type=event" if event else ""
    return process(f"functions-framework --target={name}{option} --port={PORT}", f"{_FILE}: {name}")
