"""Which module may import which.

Every import counts: those at the top, those for types only and those inside functions. Only
`cnbkit` itself is left out, which names everything and loads each name when it is asked for.
"""

from __future__ import annotations

import ast
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SDK, ENGINE, COMMON = ROOT / "sdk/src", ROOT / "engine/src", ROOT / "buildpacks/common"

# From the ground up. In the SDK, what stands in no folder of its own is the core.
SDK_ROWS = ("ground", "spec", "core", "testing")
GROUND = ("errors", "redact")
ENGINE_ROWS = (
    ("state", "spec", "page"),
    ("oci",),
    ("registry", "sandbox", "tools"),
    ("extend",),
    ("base", "lifecycle"),
    ("buildpack",),
    ("builder",),
    ("build", "run", "lint", "ci", "adopt", "attest"),
    ("testing", "cli"),
)


def _modules(*sources: Path) -> dict[str, Path]:
    found = {}
    for source in sources:
        for path in source.rglob("*.py"):
            steps = path.relative_to(source).with_suffix("").parts
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


def _graph(*sources: Path) -> dict[str, set[str]]:
    modules = _modules(*sources)
    return {name: _imports(path.read_text(), modules) for name, path in modules.items()}


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    """SDK and engine."""
    return _graph(SDK, ENGINE)


def _row(module: str) -> int:
    package, step, *_ = [*module.split("."), ""]
    if package == "cnbkit":
        if step in GROUND:
            return 0
        return SDK_ROWS.index(step if step in SDK_ROWS else "core")
    above = len(SDK_ROWS)
    (row,) = (number for number, rooms in enumerate(ENGINE_ROWS) if step in rooms)
    return above + row


def test_no_two_modules_import_each_other(graph: dict[str, set[str]]) -> None:
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError, naming the cycle
    assert len(order) == len(graph) > 120


def test_no_two_modules_of_the_buildpacks_import_each_other() -> None:
    folders = [path.parent for path in sorted((ROOT / "buildpacks").glob("*/buildpack.toml"))]
    graph = _graph(COMMON, *folders)
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError, naming the cycle
    assert len(order) == len(graph) > 200


def test_no_module_imports_from_a_row_above_its_own(graph: dict[str, set[str]]) -> None:
    placed = {module for module in graph if module != "cnbkit_engine"}
    wrong = [
        f"{module} imports {other}"
        for module in sorted(placed)
        for other in sorted(graph[module] & placed)
        if _row(other) > _row(module)
    ]
    assert wrong == []


def test_no_two_rooms_of_the_engine_import_each_other(graph: dict[str, set[str]]) -> None:
    rooms: dict[str, set[str]] = {}
    for module, others in graph.items():
        for other in others:
            if module.startswith("cnbkit_engine.") and other.startswith("cnbkit_engine."):
                room, used = module.split(".")[1], other.split(".")[1]
                if room != used:
                    rooms.setdefault(room, set()).add(used)
    order = list(TopologicalSorter(rooms).static_order())
    named = {room for row in ENGINE_ROWS for room in row}
    assert set(order) <= named
    assert len(order) >= 12


def test_the_sdk_knows_nothing_of_the_engine() -> None:
    graph = _graph(SDK)
    texts = {name: path.read_text() for name, path in _modules(SDK).items()}
    assert graph
    assert [name for name, text in texts.items() if "import cnbkit_engine" in text] == []
    assert [name for name, text in texts.items() if "from cnbkit_engine" in text] == []


@pytest.mark.parametrize(("tests", "source"), [("sdk", SDK / "cnbkit"), ("engine", ENGINE)])
def test_tests_lie_in_folders_named_as_the_rooms_are(tests: str, source: Path) -> None:
    rooms = {path.parent.name for path in source.rglob("__init__.py")}
    folders = {path.parent.name for path in (ROOT / "tests" / tests).glob("*/test_*.py")}
    assert len(folders) >= 4
    assert folders <= rooms


def test_every_room_says_in_its_first_line_what_it_is_for() -> None:
    packages = [
        *SDK.rglob("__init__.py"),
        *ENGINE.rglob("__init__.py"),
        *COMMON.glob("*/__init__.py"),
    ]
    assert len(packages) > 20
    silent = [path for path in packages if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_a_buildpack_declares_every_library_it_imports() -> None:
    libraries = {path.parent.name: path.parent for path in COMMON.glob("*/__init__.py")}
    descriptors = sorted((ROOT / "buildpacks").glob("*/buildpack.toml"))
    assert len(libraries) >= 5
    assert len(descriptors) >= 18
    for descriptor in descriptors:
        table = tomllib.loads(descriptor.read_text())["metadata"]["cnbkit"]
        declared = {Path(name).name for name in table.get("libraries", [])}
        entry = table["entry"].partition(":")[0]
        imported = {entry} & libraries.keys()
        folders = [path for path in descriptor.parent.iterdir() if (path / "__init__.py").exists()]
        folders += [libraries[name] for name in declared]
        for path in (path for folder in folders for path in folder.rglob("*.py")):
            imported |= _packages(path.read_text()) & libraries.keys()
        assert declared == imported, descriptor


def _packages(text: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
    return found


def test_what_is_read_is_every_kind_of_import() -> None:
    text = """
import cnbkit.log
if TYPE_CHECKING:
    from cnbkit.context import BuildContext
def late():
    from cnbkit.spec import model
    import os
"""
    assert _imports(text, _modules(SDK)) == {
        "cnbkit.log",
        "cnbkit.context",
        "cnbkit.spec.model",
    }
