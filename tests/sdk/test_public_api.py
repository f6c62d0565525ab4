"""What an author may import."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import jedi  # type: ignore[import-untyped]
import pytest

import cnbkit

from .stub import stub

METHOD = """from cnbkit import BuildContext, Buildpack, BuildResult, Layer
class Pack(Buildpack):
    def build(self, ctx: BuildContext) -> BuildResult:
"""
RUN = """from cnbkit.testing import BuildpackRun
def test_it(buildpack_run: BuildpackRun) -> None:
"""


def test_what_is_exported_is_what_can_be_imported() -> None:
    namespace: dict[str, object] = {}
    exec("from cnbkit import *", namespace)
    namespace.pop("__builtins__")
    assert sorted(namespace) == sorted(cnbkit.__all__)
    assert sorted(dir(cnbkit)) == sorted([*cnbkit.__all__, "__version__"])


def test_type_checkers_and_editors_are_told_the_same_names_as_programs() -> None:
    file = Path(cnbkit.__file__)
    made = file.with_suffix(".pyi").read_text()
    assert made == stub(), "run python -m tests.sdk.stub >sdk/src/cnbkit/__init__.pyi"
    imported, others = _imported(file.read_text()), _imported(made)
    assert imported == others
    assert {name for name, _ in imported} == set(cnbkit.__all__)
    for name, module in imported:
        assert getattr(importlib.import_module(str(module)), name) is getattr(cnbkit, name)


def _imported(text: str) -> set[tuple[str, str | None]]:
    return {
        (alias.name, node.module)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import cnbkit\ncnbkit.Buildp", {"Buildpack", "BuildpackFault", "BuildpackPlan"}),
        ("from cnbkit import Lay", {"Layer", "LayerEnv", "LayerKey"}),
        (f"{METHOD}        ctx.layer", {"layer"}),
        (
            f"{METHOD}        with ctx.layer(Layer.launch('a')) as a:\n            a.reb",
            {"rebuild"},
        ),
        (f"{METHOD}        ctx.app.te", {"text"}),
        ("from cnbkit.testing import Buildpack", {"BuildpackRun"}),
        (f"{RUN}    buildpack_run({{}}).proc", {"processes"}),
    ],
)
def test_an_editor_completes_what_an_author_types(text: str, expected: set[str]) -> None:
    lines = text.splitlines()
    found = jedi.Script(text, path="pack.py").complete(len(lines), len(lines[-1]))
    assert expected <= {each.name for each in found}


def test_names_are_in_order_and_each_once() -> None:
    assert list(cnbkit.__all__) == sorted(cnbkit.__all__, key=lambda name: (name.islower(), name))
    assert len({*cnbkit.__all__}) == len(cnbkit.__all__)


@pytest.mark.parametrize("name", cnbkit.__all__)
def test_every_name_says_what_it_is_for(name: str) -> None:
    value = getattr(cnbkit, name)
    assert value.__doc__
    assert inspect.getdoc(value)
    if not inspect.isclass(value):
        return
    for member, function in vars(value).items():
        if not member.startswith("_") and (inspect.isfunction(function) or _wraps(function)):
            assert inspect.getdoc(getattr(value, member)), f"{name}.{member}"


def _wraps(value: object) -> bool:
    return isinstance(value, property | classmethod | staticmethod)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        getattr(cnbkit, "absent")  # noqa: B009 - type checkers know that it is not there


def test_importing_the_package_imports_none_of_its_modules() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(Path(cnbkit.__file__).parents[1])!r}); import cnbkit;"
        "print([m for m in sys.modules if m.startswith('cnbkit.')]);"
        "from cnbkit import UserFault;"
        "print([m for m in sys.modules if m.startswith('cnbkit.')])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["[]", "['cnbkit.errors']"]


@pytest.mark.parametrize("package", ["cnbkit", "cnbkit.testing"])
def test_no_exported_name_is_that_of_a_module(package: str) -> None:
    # Importing the module would put it in the name's place.
    found = importlib.import_module(package)
    modules = {path.stem for path in Path(str(found.__file__)).parent.glob("*")}
    assert "config" in modules or "harness" in modules
    assert not modules & {*found.__all__}
