"""Python's syntax tree: reading it, and walking what an import runs.

Nodes are told apart by the name of their class: the `ast` module takes longer to import than most
apps take to read.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = [
    "DEFINITIONS",
    "HARMLESS",
    "all_nodes",
    "body_of",
    "certain",
    "definition_of",
    "dotted",
    "fault_of",
    "is_main",
    "is_plain",
    "last_name",
    "pieces_of",
    "statements",
    "targets_of",
]

# `ast.PyCF_ONLY_AST`.
_ONLY_TREE = 0x400
# A line that belongs to the statement before.
_CONTINUES = (b"else", b"elif", b"except", b"finally", b"case")
_NESTED = ("body", "orelse", "finalbody")
DEFINITIONS = ("FunctionDef", "AsyncFunctionDef", "ClassDef")
HARMLESS = (*DEFINITIONS, "Import", "ImportFrom", "Pass", "Global")


def body_of(data: bytes, name: str) -> list[Any] | None:
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


def fault_of(data: bytes, name: str) -> tuple[int, str] | None:
    """The line where this Python cannot read a module, and why; None if it can."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # Not the tree alone: `return` outside of a function is found later than that.
            compile(data, name, "exec", dont_inherit=True)
        except SyntaxError as error:
            return error.lineno or 1, error.msg
        except (ValueError, RecursionError, MemoryError, OverflowError):
            return None
    return None


def pieces_of(data: bytes, name: str) -> list[Any]:
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
        found += body_of(b"\n" * start + b"\n".join(lines[start:end]), name) or []
    return found


def statements(body: list[Any]) -> Iterator[Any]:
    """Statements that an import runs, also those within `if`, `try` and `with`."""
    for node in body:
        if is_main(node):
            yield from statements(node.orelse)
            continue
        yield node
        if type(node).__name__ not in DEFINITIONS:
            for name in _NESTED:
                yield from statements(getattr(node, name, None) or [])
            for each in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
                yield from statements(each.body)


def certain(body: list[Any], *, main: bool) -> Iterator[Any]:
    """Statements that run in any case; of `try` those whose failure ends it all.

    Args:
        body: statements.
        main: whether they are a program's, and not a module's.
    """
    for node in body:
        yield node
        if main and is_main(node):
            yield from certain(node.body, main=False)
        handlers = getattr(node, "handlers", None)
        if handlers and all(type(each.body[-1]).__name__ == "Raise" for each in handlers):
            yield from certain(node.body, main=False)


def definition_of(node: Any) -> Iterator[tuple[int, list[str], list[str]]]:
    """What a statement evaluates when it runs: its line, bases of a class, and names like `a.b`.

    Of a function its decorators, of a class what is evaluated in its body, too; not what is
    evaluated only under a condition, or when something is called.
    """
    kind = type(node).__name__
    if kind in ("Expr", "Assign", "AnnAssign") and node.value is not None:
        names = [dotted(each) for each in _evaluated(node.value)]
        yield node.lineno, [], [each for each in names if each]
    if kind not in DEFINITIONS:
        return
    bases = [dotted(each) for each in getattr(node, "bases", ())]
    yield node.lineno, bases, [*bases, *map(dotted, node.decorator_list)]
    if kind == "ClassDef":
        for each in node.body:
            yield from definition_of(each)


def _evaluated(value: Any) -> Iterator[Any]:
    """Expressions within one that are evaluated together with it."""
    kind = type(value).__name__
    if kind in ("Lambda", "ListComp", "SetComp", "DictComp", "GeneratorExp"):
        return
    if kind == "BoolOp":
        yield from _evaluated(value.values[0])
    elif kind == "IfExp":
        yield from _evaluated(value.test)
    elif kind == "Attribute":
        yield value
        yield from _evaluated(value.value)
    else:
        for name in value._fields:
            child = getattr(value, name, None)
            for each in child if isinstance(child, list) else [child]:
                if hasattr(each, "_fields"):
                    yield from _evaluated(each)


def all_nodes(nodes: list[Any]) -> Iterator[Any]:
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


def targets_of(node: Any) -> list[Any]:
    """What a statement gives a value to."""
    targets = getattr(node, "targets", None)
    if type(node).__name__ == "Delete":
        return []
    if isinstance(targets, list):
        return targets
    items = [each.optional_vars for each in getattr(node, "items", ()) if each.optional_vars]
    target = getattr(node, "target", None)
    has_value = type(node).__name__ != "AnnAssign" or node.value is not None
    return [*items, target] if target is not None and has_value else items


def dotted(node: Any) -> str:
    """`a.b.c` of an expression; empty if it is another."""
    names = []
    while type(node).__name__ == "Attribute":
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if type(node).__name__ == "Name" else ""


def last_name(node: Any) -> str:
    """`c` of `a.b.c`."""
    return str(node.attr if type(node).__name__ == "Attribute" else getattr(node, "id", ""))


def is_main(node: Any) -> bool:
    """`if __name__ == "__main__"`, written in any way."""
    test = getattr(node, "test", None)
    if type(node).__name__ != "If" or type(test).__name__ != "Compare":
        return False
    assert test is not None
    sides = [test.left, *test.comparators]
    return any(getattr(each, "id", "") == "__name__" for each in sides) and any(
        getattr(each, "value", "") == "__main__" for each in sides
    )


def is_plain(node: Any) -> bool:
    """A docstring, a constant, a value that no call makes; and what is for type checkers."""
    kind = type(node).__name__
    if kind == "If":
        return dotted(node.test).rpartition(".")[2] == "TYPE_CHECKING"
    if kind == "Expr":
        return type(node.value).__name__ == "Constant"
    if kind not in ("Assign", "AnnAssign"):
        return False
    return not any(type(each).__name__ in ("Call", "Await") for each in all_nodes([node]))
