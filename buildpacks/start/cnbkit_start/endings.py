"""Whether a program that is started ends at once, because it only makes things."""

from __future__ import annotations

from cnbkit_start.syntax import (
    DEFINITIONS,
    HARMLESS,
    all_nodes,
    dotted,
    is_main,
    is_plain,
    targets_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["APPS", "only_defines", "only_greets", "prints"]

APPS = ("app", "application", "api", "server")
"""Names of what a server is told to serve."""

# What programs ask for before they begin.
_ASKS = ("os.environ.get", "os.getenv", "os.path.", "logging.getLogger", "pathlib.", "Path")


def only_defines(body: list[Any]) -> bool:
    """Whether the statements define functions, classes or an `app`, and do nothing with them."""
    holds_app = any(
        getattr(target, "id", "") in APPS for node in body for target in targets_of(node)
    )
    own = {node.name for node in body if type(node).__name__ in DEFINITIONS}
    return bool(holds_app or own) and all(
        type(node).__name__ in HARMLESS or is_plain(node) or _only_makes(node, own) for node in body
    )


def _only_makes(node: Any, own: set[str]) -> bool:
    """`app = Sanic("shop")`, `log = logging.getLogger()`: a variable that an object is made for.

    Not an object of a class of the file's own: that may run all there is when it is made.
    """
    if type(node).__name__ not in ("Assign", "AnnAssign"):
        return False
    calls = [each for each in all_nodes([node]) if type(each).__name__ in ("Call", "Await")]
    names = [dotted(getattr(each, "func", None)) for each in calls]
    return all(
        name not in own and (name.rpartition(".")[2][:1].isupper() or name.startswith(_ASKS))
        for name in names
    )


def only_greets(body: list[Any]) -> bool:
    """Whether the statements print something, by functions of their own or without."""
    own = {node.name for node in body if type(node).__name__ == "FunctionDef"}
    done = [each for node in body for each in (node.body if is_main(node) else [node])]
    said = [each for each in done if type(each).__name__ != "FunctionDef" and not is_plain(each)]
    return (
        bool(said)
        and all(_calls(each, {"print", *own}) for each in said)
        and all(prints(each.body) for each in done if type(each).__name__ == "FunctionDef")
    )


def prints(body: list[Any]) -> bool:
    """Whether a function's statements say something and return."""
    return all(
        type(each).__name__ in ("Pass", "Return") or is_plain(each) or _calls(each, {"print"})
        for each in body
    )


def _calls(node: Any, names: set[str]) -> bool:
    """Whether a statement is a call of one of these functions, and of nothing besides."""
    if type(node).__name__ != "Expr" or type(node.value).__name__ != "Call":
        return False
    calls = [each for each in all_nodes([node]) if type(each).__name__ in ("Call", "Await")]
    return len(calls) == 1 and getattr(node.value.func, "id", "") in names
