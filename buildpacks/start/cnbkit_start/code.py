"""What Python code says of itself, read as a syntax tree; nothing of it runs."""

from __future__ import annotations

from cnbkit_start.endings import APPS, only_defines, only_greets, prints
from cnbkit_start.syntax import (
    DEFINITIONS,
    all_nodes,
    body_of,
    certain,
    definition_of,
    dotted,
    is_main,
    last_name,
    pieces_of,
    statements,
    targets_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cnbkit_start.launching import Launch

__all__ = ["APPS", "Code", "Import"]


class Import:
    """An import statement.

    Attributes:
        module: what is imported, or imported from; empty for `from . import x`.
        names: what is imported from it; they may be modules.
        level: the number of leading dots.
        line: from 1.
    """

    __slots__ = ("level", "line", "module", "names")

    def __init__(self, module: str, names: list[str], level: int, line: int) -> None:
        self.module = module
        self.names = names
        self.level = level
        self.line = line


class Code:
    """A module's code.

    Attributes:
        known: whether all of it could be read, and not only some statements.
    """

    def __init__(self, data: bytes, name: str) -> None:
        body = body_of(data, name)
        self.known = body is not None
        self._body: list[Any] = pieces_of(data, name) if body is None else body
        self._imported: set[str] | None = None

    def imports(self, package: str) -> bool:
        """Whether it imports a package, or something of it."""
        return any(name == package or name.startswith(f"{package}.") for name in self.imported())

    def imported(self) -> set[str]:
        """Modules that are imported by their full names, at the top or in a function."""
        if self._imported is None:
            self._imported = self._find_imported()
        return self._imported

    def _find_imported(self) -> set[str]:
        found: set[str] = set()
        for node in all_nodes(self._body):
            kind = type(node).__name__
            if kind == "Import":
                found.update(each.name for each in node.names)
            elif kind == "ImportFrom" and node.module and not node.level:
                found.add(node.module)
        return found

    def certain_imports(self, *, main: bool = False) -> list[Import]:
        """What an import of it imports for sure: not in `if` or a function, or expected to fail.

        Args:
            main: whether it is started, and not imported.
        """
        found = []
        for node in certain(self._body, main=main):
            kind = type(node).__name__
            if kind == "Import":
                found += [Import(each.name, [], 0, node.lineno) for each in node.names]
            elif kind == "ImportFrom":
                names = [each.name for each in node.names]
                found.append(Import(node.module or "", names, node.level, node.lineno))
        return found

    def every_import(self) -> list[Import]:
        """`from a import b` at any place, in functions as well."""
        return [
            Import(node.module or "", [each.name for each in node.names], node.level, node.lineno)
            for node in all_nodes(self._body)
            if type(node).__name__ == "ImportFrom"
        ]

    def launches(self, name: str) -> Launch | None:
        """What it does besides running the app that a variable holds; None if it does not."""
        from cnbkit_start.launching import launch

        return launch(self._body, name)

    def definitions(self) -> list[tuple[int, list[str], list[str]]]:
        """Line, bases, and all names like `a.b`, of what an import evaluates for sure."""
        return [each for node in certain(self._body, main=False) for each in definition_of(node)]

    def needs(self, name: str) -> bool:
        """Whether an import of it imports a module for sure."""
        return any(
            not each.level and each.module.partition(".")[0] == name
            for each in self.certain_imports()
        )

    @property
    def is_relative(self) -> bool:
        """Whether it imports by its place in a package (`from .models import …`)."""
        return any(type(n).__name__ == "ImportFrom" and n.level for n in statements(self._body))

    def made_by(self, *makers: str, last: bool = False) -> tuple[str, int]:
        """The variable, and its line, that a call of one of these gives its value.

        A function of the module that calls one of them counts as well: `app = get_app()`.

        Args:
            makers: names of what makes it.
            last: whether, of several, the last one counts.
        """
        found: list[tuple[str, int]] = []
        own = {name for name, node in self._functions().items() if _calls(node, makers)}
        for node in statements(self._body):
            value: Any = getattr(node, "value", None)
            if type(value).__name__ != "Call":
                continue
            if last_name(value.func) not in makers and getattr(value.func, "id", "") not in own:
                continue
            names = [each.id for each in targets_of(node) if type(each).__name__ == "Name"]
            found += [(name, node.lineno) for name in names]
        return found[-1 if last else 0] if found else ("", 0)

    def calls_in(self, function: str, *makers: str) -> bool:
        """Whether a function of the module calls one of these."""
        node = self._functions().get(function)
        return node is not None and _calls(node, makers)

    def made_elsewhere(self) -> list[tuple[str, int, Import]]:
        """Variables that a call of an imported function gives their value, with their lines."""
        origins = {
            name: each for each in self.certain_imports() if each.names for name in each.names
        }
        found = []
        for node in statements(self._body):
            value: Any = getattr(node, "value", None)
            name = getattr(getattr(value, "func", None), "id", "")
            if type(value).__name__ != "Call" or name not in origins:
                continue
            origin = origins[name]
            for target in targets_of(node):
                if type(target).__name__ == "Name":
                    only = Import(origin.module, [name], origin.level, origin.line)
                    found.append((str(target.id), int(node.lineno), only))
        return found

    def _functions(self) -> dict[str, Any]:
        return {
            node.name: node
            for node in statements(self._body)
            if type(node).__name__ == "FunctionDef"
        }

    def attribute_of(self, owner: str, attribute: str) -> str:
        """The variable that is set to an attribute of another: `server = app.server`."""
        for node in statements(self._body):
            value: Any = getattr(node, "value", None)
            if type(value).__name__ != "Attribute" or value.attr != attribute:
                continue
            if type(value.value).__name__ == "Name" and value.value.id == owner:
                for target in targets_of(node):
                    if type(target).__name__ == "Name":
                        return str(target.id)
        return ""

    def factory(self, *makers: str) -> tuple[str, int]:
        """The function that makes an app and can be called without arguments, and its line.

        `create_app` or `make_app`, whatever it does; of another name one that calls a maker.
        """
        for name, node in self._functions().items():
            makes = name in ("create_app", "make_app") or (
                name.endswith(("app", "application", "app_factory"))
                and not name.startswith("_")
                and _calls(node, makers)
            )
            arguments = node.args
            positional = len(arguments.posonlyargs) + len(arguments.args)
            needs = positional > len(arguments.defaults) or None in arguments.kw_defaults
            if makes and not needs:
                return name, node.lineno
        return "", 0

    def only_prints(self, function: str) -> bool:
        """Whether a function of the module says something and returns."""
        node = self._functions().get(function)
        return node is not None and prints(node.body)

    def wsgi_function(self) -> tuple[str, int]:
        """`app(environ, start_response)`: what WSGI (PEP 3333) calls, and its line."""
        for name, node in self._functions().items():
            last = [each.arg for each in node.args.args][1:]
            if name in APPS and last == ["start_response"]:
                return name, node.lineno
        return "", 0

    def decorated(self, *decorators: str) -> tuple[str, int]:
        """The first class under one of these decorators, `service` or `bentoml.service`."""
        found = self._under(decorators, "ClassDef")
        return found[0] if found else ("", 0)

    def functions_under(self, *decorators: str) -> list[str]:
        """Names of the functions under one of these decorators, `functions_framework.http`."""
        found = self._under(decorators, "FunctionDef", "AsyncFunctionDef")
        return [name for name, _ in found]

    def parameters(self) -> dict[str, int]:
        """How many arguments each function of the module needs, those that begin with `_` not."""
        return {
            name: len(node.args.posonlyargs) + len(node.args.args) - len(node.args.defaults)
            for name, node in self._functions().items()
            if not name.startswith("_")
        }

    def _under(self, decorators: tuple[str, ...], *kinds: str) -> list[tuple[str, int]]:
        found = []
        for node in statements(self._body):
            if type(node).__name__ not in kinds:
                continue
            for each in node.decorator_list:
                called = each.func if type(each).__name__ == "Call" else each
                if dotted(called) in decorators:
                    found.append((str(node.name), int(each.lineno)))
                    break
        return found

    @property
    def has_main(self) -> bool:
        """Whether a part of it is for when it is started (`if __name__ == "__main__"`)."""
        return any(is_main(node) for node in self._body)

    @property
    def only_greets(self) -> bool:
        """Whether it prints something and ends, as what editors and `uv init` write does."""
        return self.known and only_greets(self._body)

    @property
    def only_defines(self) -> bool:
        """Whether it holds functions, classes or an `app`, and starting it does nothing."""
        return self.known and only_defines(self._body)

    def runs(self, *names: str, on_import: bool = False) -> bool:
        """Whether `name.run(…)` or `name(…)` stands in it, for one of these dotted names.

        Args:
            names: `app.run`, `uvicorn.run`.
            on_import: count only what an import runs as well.
        """
        nodes = statements(self._body) if on_import else all_nodes(self._body)
        for node in nodes:
            value = node.value if type(node).__name__ == "Expr" else node
            if type(value).__name__ == "Call" and dotted(value.func) in names:
                return True
        return False

    def asks(self) -> int:
        """The line where it waits for somebody to type; 0 if it does not."""
        if self.defines("input"):
            return 0
        for node in all_nodes(self._body):
            if type(node).__name__ == "Call" and dotted(node.func) == "input":
                return int(node.lineno)
        return 0

    def keyword(self, called: str, name: str) -> str:
        """The text that a keyword of a call has (`uvicorn.run(host="0.0.0.0")`); else empty."""
        for node in all_nodes(self._body):
            if type(node).__name__ == "Call" and dotted(node.func) == called:
                for each in node.keywords:
                    if each.arg == name and isinstance(getattr(each.value, "value", None), str):
                        return str(each.value.value)
        return ""

    def listens_on(self) -> tuple[str, int]:
        """The address it names if only the same machine reaches that, and its line."""
        from cnbkit_start.listening import loopback

        return loopback(self._body)

    def defines(self, name: str) -> bool | None:
        """Whether an import of it has this attribute; None if that cannot be told."""
        if not self.known:
            return None
        for node in statements(self._body):
            kind = type(node).__name__
            if kind in DEFINITIONS:
                if node.name == name:
                    return True
                if node.name == "__getattr__":
                    return None
            elif kind in ("Import", "ImportFrom"):
                for each in node.names:
                    if each.name == "*":
                        return None
                    if (each.asname or each.name.partition(".")[0]) == name:
                        return True
            for target in targets_of(node):
                names = {getattr(each, "id", "") for each in all_nodes([target])}
                if name in names:
                    return True
        # `globals()["app"] = …`, `exec(…)`, `global app` in a function, `with … as app`.
        for node in all_nodes(self._body):
            kind = type(node).__name__
            if kind == "Global" and name in node.names:
                return None
            if kind == "Name" and node.id in ("globals", "vars", "exec", "setattr", name):
                return None
        return False


def _calls(node: Any, names: tuple[str, ...]) -> bool:
    return any(
        type(each).__name__ == "Call" and last_name(each.func) in names
        for each in all_nodes([node])
    )
