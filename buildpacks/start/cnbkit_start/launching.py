"""A program that prepares something and then runs an app, which another file makes."""

from __future__ import annotations

from cnbkit_start.syntax import all_nodes, dotted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Launch", "launch"]

_RUNNERS = (
    *("uvicorn.run", "uvicorn.Config", "hypercorn.run", "waitress.serve", "serve"),
    *("run_simple", "werkzeug.serving.run_simple", "web.run_app", "run_app"),
)


class Launch:
    """What it does.

    Attributes:
        calls: whatever it calls, like `models.load`, with its line.
        anywhere: whether it names the address at which everybody reaches it.
    """

    __slots__ = ("anywhere", "calls")

    def __init__(self, calls: list[tuple[str, int]], *, anywhere: bool) -> None:
        self.calls = calls
        self.anywhere = anywhere


def launch(body: list[Any], name: str) -> Launch | None:
    """What a file does besides running a variable's app; None if it does not run that.

    Args:
        body: its statements.
        name: the variable: `uvicorn.run(app)`, not `uvicorn.run("main:app")`, which imports it.
    """
    nodes = [*all_nodes(body)]
    calls = [each for each in nodes if type(each).__name__ == "Call"]
    if not any(_runs(each, name) for each in calls):
        return None
    named = [(dotted(each.func), int(each.lineno)) for each in calls]
    anywhere = any(getattr(each, "value", None) == "0.0.0.0" for each in nodes)  # noqa: S104
    return Launch([each for each in named if each[0]], anywhere=anywhere)


def _runs(call: Any, name: str) -> bool:
    called = dotted(call.func)
    if called == f"{name}.run":
        return True
    return called in _RUNNERS and bool(call.args) and getattr(call.args[0], "id", "") == name
