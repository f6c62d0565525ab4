"""What in a module's own code fails the moment it is imported, whatever else is installed."""

from __future__ import annotations

from cnbkit_start.check.lost_names import lost_name
from cnbkit_start.check.standard import version_numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_start.code import Code

__all__ = ["Failing", "failing"]

# Names of one and the same class, and the version since which they are that.
_SAME = {
    "asyncio.TimeoutError": ((3, 11), "TimeoutError"),
    "concurrent.futures.TimeoutError": ((3, 11), "TimeoutError"),
    "socket.timeout": ((3, 10), "TimeoutError"),
    "socket.error": ((3, 3), "OSError"),
    "select.error": ((3, 3), "OSError"),
    "EnvironmentError": ((3, 3), "OSError"),
    "IOError": ((3, 3), "OSError"),
}


class Failing:
    """A statement that fails.

    Attributes:
        line: from 1.
        what: is the matter, behind the file's name and the line.
        instead: what to write.
        name: of what a module has lost; empty if that is not the matter.
    """

    __slots__ = ("instead", "line", "name", "what")

    def __init__(self, line: int, what: str, instead: str, name: str = "") -> None:
        self.name = name
        self.line = line
        self.what = what
        self.instead = instead


def failing(code: Code, python: str) -> Failing | None:
    """The first statement that an import certainly comes to, and that fails.

    Args:
        code: of the module.
        python: the version that runs it.
    """
    modules = {each.module for each in code.certain_imports() if not each.names}
    for line, bases, names in code.definitions():
        for name in names:
            module, _, last = name.rpartition(".")
            lost = lost_name(module, last, python) if module in modules else None
            if lost:
                return Failing(line, f"uses {name}, {lost.why}", lost.instead, last)
        # A name without a dot may be the module's own.
        built_in = [each for each in bases if "." in each or code.defines(each) is False]
        if twice := _twice(built_in, python):
            one, other, meant = twice
            return Failing(
                line, f"has a class of both {one} and {other}, which are both {meant}", meant
            )
    return None


def _twice(bases: list[str], python: str) -> tuple[str, str, str] | None:
    version = version_numbers(python)
    meant: dict[str, str] = {}
    for base in bases:
        since, same = _SAME.get(base, ((3, 0), base.removeprefix("builtins.")))
        name = same if version >= since else base
        if name in meant and base != meant[name]:
            return meant[name], base, name
        if name:
            meant.setdefault(name, base)
    return None
