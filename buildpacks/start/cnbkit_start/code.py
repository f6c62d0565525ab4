"""What Python code says of itself, read as a syntax tree; nothing of it runs.

Nodes are told apart by the name of their class: the `ast` module takes longer to import than most
apps take to read.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["Code", "Import"]

# `ast.PyCF_ONLY_AST`.
_ONLY_TREE = 0x400
# A line that belongs to the statement before.
_CONTINUES = (b"else", b"elif", b"except", b"finally", b"case")
_NESTED = ("body", "orelse", "finalbody")
_DEFINITIONS = ("FunctionDef", "AsyncFunctionDef", "ClassDef")
_HARMLESS = (*_DEFINITIONS, "Import", "ImportFrom", "Pass", "Global")


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
        body = _body(data, name)
        self.known = body is not None
        self._body: list[Any] = _pieces(data, name) if body is None else body
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
        for node in _all(self._body):
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
        for node in _certain(self._body, main=main):
            kind = type(node).__name__
            if kind == "Import":
                found += [Import(each.name, [], 0, node.lineno) for each in node.names]
            elif kind == "ImportFrom":
                names = [each.name for each in node.names]
                found.append(Import(node.module or "", names, node.level, node.lineno))
        return found

    def needs(self, name: str) -> bool:
        """Whether an import of it imports a module for sure."""
        return any(
            not each.level and each.module.partition(".")[0] == name
            for each in self.certain_imports()
        )

    @property
    def is_relative(self) -> bool:
        """Whether it imports by its place in a package (`from .models import …`)."""
        return any(type(n).__name__ == "ImportFrom" and n.level for n in _statements(self._body))

    def made_by(self, *makers: str) -> tuple[str, int]:
        """The variable, and its line, that a call of one of these gives its value."""
        for node in _statements(self._body):
            value: Any = getattr(node, "value", None)
            if type(value).__name__ != "Call" or _last(value.func) not in makers:
                continue
            for target in _targets(node):
                if type(target).__name__ == "Name":
                    return target.id, node.lineno
        return "", 0

    def attribute_of(self, owner: str, attribute: str) -> str:
        """The variable that is set to an attribute of another: `server = app.server`."""
        for node in _statements(self._body):
            value: Any = getattr(node, "value", None)
            if type(value).__name__ != "Attribute" or value.attr != attribute:
                continue
            if type(value.value).__name__ == "Name" and value.value.id == owner:
                for target in _targets(node):
                    if type(target).__name__ == "Name":
                        return str(target.id)
        return ""

    def factory(self) -> tuple[str, int]:
        """`create_app` or `make_app`, if it can be called without arguments."""
        for node in _statements(self._body):
            if type(node).__name__ == "FunctionDef" and node.name in ("create_app", "make_app"):
                arguments = node.args
                positional = len(arguments.posonlyargs) + len(arguments.args)
                if positional == len(arguments.defaults) and None not in arguments.kw_defaults:
                    return node.name, node.lineno
        return "", 0

    def decorated(self, *decorators: str) -> tuple[str, int]:
        """The first class under one of these decorators, `service` or `bentoml.service`."""
        for node in _statements(self._body):
            if type(node).__name__ != "ClassDef":
                continue
            for each in node.decorator_list:
                called = each.func if type(each).__name__ == "Call" else each
                if _dotted(called) in decorators:
                    return node.name, each.lineno
        return "", 0

    @property
    def has_main(self) -> bool:
        """Whether a part of it is for when it is started (`if __name__ == "__main__"`)."""
        return any(_is_main(node) for node in self._body)

    @property
    def only_defines(self) -> bool:
        """Whether it holds functions and classes, and starting it does nothing."""
        kinds = [type(node).__name__ for node in self._body]
        return (
            self.known
            and any(kind in _DEFINITIONS for kind in kinds)
            and all(
                kind in _HARMLESS or _is_plain(node)
                for kind, node in zip(kinds, self._body, strict=True)
            )
        )

    def runs(self, *names: str, on_import: bool = False) -> bool:
        """Whether `name.run(…)` or `name(…)` stands in it, for one of these dotted names.

        Args:
            names: `app.run`, `uvicorn.run`.
            on_import: count only what an import runs as well.
        """
        nodes = _statements(self._body) if on_import else _all(self._body)
        for node in nodes:
            value = node.value if type(node).__name__ == "Expr" else node
            if type(value).__name__ == "Call" and _dotted(value.func) in names:
                return True
        return False

    def keyword(self, called: str, name: str) -> str:
        """The text that a keyword of a call has (`uvicorn.run(host="0.0.0.0")`); else empty."""
        for node in _all(self._body):
            if type(node).__name__ == "Call" and _dotted(node.func) == called:
                for each in node.keywords:
                    if each.arg == name and isinstance(getattr(each.value, "value", None), str):
                        return str(each.value.value)
        return ""

    def defines(self, name: str) -> bool | None:
        """Whether an import of it has this attribute; None if that cannot be told."""
        if not self.known:
            return None
        for node in _statements(self._body):
            kind = type(node).__name__
            if kind in _DEFINITIONS:
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
            for target in _targets(node):
                names = {getattr(each, "id", "") for each in _all([target])}
                if name in names:
                    return True
        # `globals()["app"] = …`, `exec(…)`, `global app` in a function, `with … as app`.
        for node in _all(self._body):
            kind = type(node).__name__
            if kind == "Global" and name in node.names:
                return None
            if kind == "Name" and node.id in ("globals", "vars", "exec", "setattr", name):
                return None
        return False


def _body(data: bytes, name: str) -> list[Any] | None:
    """Statements of a module; None if this Python cannot read it."""
    import warnings

    with warnings.catch_warnings():
        # Of the app's code, which its own author has seen.
        warnings.simplefilter("ignore")
        try:
            tree: Any = compile(data, name, "exec", _ONLY_TREE, dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return None
    return list(tree.body)


def _pieces(data: bytes, name: str) -> list[Any]:
    """Of code for a newer Python, or with a fault: those statements that can be read."""
    lines = data.split(b"\n")
    starts = [
        number
        for number, line in enumerate(lines)
        if line[:1].strip()
        and line[:1] not in b"#)]}"
        and not line.startswith(_CONTINUES)
        and not (number and lines[number - 1].startswith(b"@"))
    ]
    found: list[Any] = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=False):
        # Empty lines before it, for its line number.
        found += _body(b"\n" * start + b"\n".join(lines[start:end]), name) or []
    return found


def _statements(body: list[Any]) -> Iterator[Any]:
    """Statements that an import runs, also those within `if`, `try` and `with`."""
    for node in body:
        if _is_main(node):
            yield from _statements(node.orelse)
            continue
        yield node
        if type(node).__name__ not in _DEFINITIONS:
            for name in _NESTED:
                yield from _statements(getattr(node, name, None) or [])
            for each in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
                yield from _statements(each.body)


def _certain(body: list[Any], *, main: bool) -> Iterator[Any]:
    """Statements that run in any case; of `try` those whose failure ends it all."""
    for node in body:
        yield node
        if main and _is_main(node):
            yield from _certain(node.body, main=False)
        handlers = getattr(node, "handlers", None)
        if handlers and all(type(each.body[-1]).__name__ == "Raise" for each in handlers):
            yield from _certain(node.body, main=False)


def _all(nodes: list[Any]) -> Iterator[Any]:
    """All nodes of a tree."""
    todo = list(reversed(nodes))
    while todo:
        node = todo.pop()
        yield node
        children: list[Any] = []
        for name in node._fields:
            value = getattr(node, name, None)
            children += value if isinstance(value, list) else [value]
        todo += [each for each in reversed(children) if hasattr(each, "_fields")]


def _targets(node: Any) -> list[Any]:
    targets = getattr(node, "targets", None)
    if type(node).__name__ == "Delete":
        return []
    if isinstance(targets, list):
        return targets
    items = [each.optional_vars for each in getattr(node, "items", ()) if each.optional_vars]
    target = getattr(node, "target", None)
    has_value = type(node).__name__ != "AnnAssign" or node.value is not None
    return [*items, target] if target is not None and has_value else items


def _dotted(node: Any) -> str:
    """`a.b.c` of an expression; empty if it is another."""
    names = []
    while type(node).__name__ == "Attribute":
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if type(node).__name__ == "Name" else ""


def _last(node: Any) -> str:
    return str(node.attr if type(node).__name__ == "Attribute" else getattr(node, "id", ""))


def _is_main(node: Any) -> bool:
    """`if __name__ == "__main__"`, written in any way."""
    test = getattr(node, "test", None)
    if type(node).__name__ != "If" or type(test).__name__ != "Compare":
        return False
    assert test is not None
    sides = [test.left, *test.comparators]
    return any(getattr(each, "id", "") == "__name__" for each in sides) and any(
        getattr(each, "value", "") == "__main__" for each in sides
    )


def _is_plain(node: Any) -> bool:
    """A docstring, a constant, a value that no call makes; and what is for type checkers."""
    kind = type(node).__name__
    if kind == "If":
        return _dotted(node.test).rpartition(".")[2] == "TYPE_CHECKING"
    if kind == "Expr":
        return type(node.value).__name__ == "Constant"
    if kind not in ("Assign", "AnnAssign"):
        return False
    return not any(type(each).__name__ in ("Call", "Await") for each in _all([node]))
