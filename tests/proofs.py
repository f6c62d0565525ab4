"""An assertion about all of a collection fails if the collection is empty: it proves nothing.

Two forms are watched in test functions: `all(…)`, and a `for` loop that asserts. A loop that is
reached has to run once at least; where nothing is what a test expects, it says `== []` instead.
Property tests are left alone, as their input is random; and loops over a parameter, because
another case of the same test has more.
"""

from __future__ import annotations

import ast
import builtins
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from types import CodeType, FrameType

__all__ = ["all_of_some", "pytest_pyfunc_call"]


def all_of_some(items: Iterable[object]) -> bool:
    """As `all`, but of nothing it is an error.

    Raises:
        AssertionError: there is not one item.
    """
    found = [bool(item) for item in items]
    if not found:
        raise AssertionError("all() of nothing proves nothing")
    return builtins.all(found)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Run a test, and see which of its loops ran."""
    function: Any = pyfuncitem.obj
    code: CodeType | None = getattr(function, "__code__", None)
    property_test = hasattr(function, "hypothesis")
    # Test modules get the `all` that wants something to look at.
    vars(pyfuncitem.module)["all"] = builtins.all if property_test else all_of_some
    if code is None or property_test or sys.gettrace():
        return (yield)
    parameters = frozenset(getattr(getattr(pyfuncitem, "callspec", None), "params", ()))
    loops = _loops(Path(code.co_filename), code.co_firstlineno, parameters)
    if not loops:
        return (yield)
    seen: set[int] = set()

    def line(frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            seen.add(frame.f_lineno)
        return line

    sys.settrace(lambda frame, *_: line if frame.f_code is code else None)
    try:
        result = yield
    finally:
        sys.settrace(None)
    for start, body in loops:
        if start in seen and seen.isdisjoint(body):
            pytest.fail(f"{code.co_filename}:{start}: asserts of each of nothing", pytrace=False)
    return result


@cache
def _loops(file: Path, line: int, parameters: frozenset[str]) -> list[tuple[int, range]]:
    """Where a function's asserting loops begin, and the lines of their bodies."""
    functions = _functions(file).get(line, [])
    return [
        (node.lineno, range(node.body[0].lineno, (node.body[-1].end_lineno or 0) + 1))
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.For)
        if _asserts(node) and parameters.isdisjoint(_names(node.iter))
    ]


def _asserts(node: ast.For) -> bool:
    return any(isinstance(each, ast.Assert) for each in ast.walk(node))


def _names(node: ast.expr) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


@cache
def _functions(file: Path) -> dict[int, list[ast.FunctionDef]]:
    """By the line they begin in, which is their first decorator's."""
    found: dict[int, list[ast.FunctionDef]] = {}
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            first = min(node.lineno, *(each.lineno for each in node.decorator_list), node.lineno)
            found.setdefault(first, []).append(node)
    return found
