"""Which module may import which.

Every import counts: those at the top, those for types only and those inside functions. Only
`cnbkit` itself is left out, which names everything and loads each name when it is asked for.
"""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import cnbkit

SDK = Path(cnbkit.__file__).parent
# From the ground up; what stands in no folder of its own is the core.
ROWS = ("ground", "contract", "core", "package", "platform", "testing", "cli")
GROUND = ("errors", "redact")


def _modules() -> dict[str, Path]:
    found = {}
    for path in SDK.rglob("*.py"):
        steps = path.relative_to(SDK.parent).with_suffix("").parts
        found[".".join(steps[:-1] if steps[-1] == "__init__" else steps)] = path
    return {name: path for name, path in found.items() if name != "cnbkit"}


def _imports(text: str, modules: dict[str, Path]) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            named = [f"{node.module}.{alias.name}" for alias in node.names]
            found.update(name if name in modules else str(node.module) for name in named)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return {name for name in found if name in modules}


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    modules = _modules()
    return {name: _imports(path.read_text(), modules) for name, path in modules.items()}


def _row(module: str) -> int:
    step = module.split(".")[1]
    if step in GROUND:
        return 0
    return ROWS.index(step) if step in ROWS else ROWS.index("core")


def test_no_two_modules_import_each_other(graph: dict[str, set[str]]) -> None:
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError, naming the cycle
    assert len(order) == len(graph) > 80


def test_no_module_imports_from_a_row_above_its_own(graph: dict[str, set[str]]) -> None:
    wrong = [
        f"{module} imports {other}"
        for module, others in graph.items()
        for other in others
        if _row(other) > _row(module)
    ]
    assert wrong == []
    assert {_row(module) for module in graph} == set(range(len(ROWS)))


def test_what_is_read_is_every_kind_of_import() -> None:
    text = """
import cnbkit.log
if TYPE_CHECKING:
    from cnbkit.context import BuildContext
def late():
    from cnbkit.spec import model
    import os
"""
    assert _imports(text, _modules()) == {"cnbkit.log", "cnbkit.context", "cnbkit.spec.model"}
