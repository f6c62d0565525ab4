"""What each reference buildpack gives others and takes from them, as its README has it.

    python -m tests.buildpacks.contracts      write it into buildpacks/*/README.md

Read from the code: the names of build plans, what of `PythonBuild` is read and told, variables set
for the build, and the layers that a class declares.
"""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from tests.source_roots import put_on_path

from cnbkit import Buildpack, Layer, PythonBuild
from cnbkit.spec.buildpack import BuildpackDescriptor, library_folders

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BEGIN", "END", "FOLDERS", "Contract", "with_contract"]

BUILDPACKS = Path(__file__).parents[2] / "buildpacks"
FOLDERS = sorted(path.parent for path in BUILDPACKS.glob("*/buildpack.toml"))
BEGIN, END = "<!-- contract: begin -->", "<!-- contract: end -->"
_STABLE = (
    "Stable are the names in build plans and the keys of `CNBKIT_BUILD` "
    "([all of them](../README.md)); layers are this buildpack's own, and their\n"
    "names and contents may change in any release. A name in both of the first rows is "
    "required of itself, too, because nobody else may."
)
_FIELDS = {*PythonBuild.__slots__} - {"others"}


class Contract:
    """A buildpack's.

    Attributes:
        provides: names in its build plans.
        requires: likewise.
        reads: keys of the document that CNBKIT_BUILD names.
        tells: likewise.
        sets: variables it sets for later buildpacks.
        layers: name → what it is for.
    """

    def __init__(self, folder: Path) -> None:
        descriptor = BuildpackDescriptor.loads((folder / "buildpack.toml").read_text())
        module, _, name = descriptor.metadata["cnbkit"]["entry"].partition(":")
        libraries = [Path(path) for path in library_folders(descriptor.metadata, str(folder))]
        put_on_path()
        self._class = getattr(importlib.import_module(module), name)
        own = [path for path in sorted(folder.glob("cnbkit_*")) if path.is_dir()]
        self._trees = [
            ast.parse(file.read_text())
            for path in (*own, *libraries)
            for file in sorted(path.rglob("*.py"))
        ]
        self._constants = dict(_constants(self._trees))
        # Where triggers decide alone, the class has all; code of a library may be for others.
        decides = self._class.detect is not Buildpack.detect
        self.provides = self._planned("provides") | (self._named("provides") if decides else set())
        self.requires = self._planned("requires") | (self._named("requires") if decides else set())
        self.reads = {name.replace("_", "-") for name in self._read()}
        self.tells = {name.replace("_", "-") for name in self._told()}
        self.sets = self._variables()
        self.layers = {
            each.name: _purpose(each)
            for each in (getattr(self._class, key) for key in dir(self._class))
            if isinstance(each, Layer)
        }
        self.layers |= self._counted()

    def section(self) -> str:
        """As Markdown."""
        rows = [
            ("provides", _names(self.provides)),
            ("requires", _names(self.requires)),
            ("reads of `CNBKIT_BUILD`", _names(self.reads)),
            ("tells later buildpacks in `CNBKIT_BUILD`", _names(self.tells)),
            ("sets for later buildpacks", _names(self.sets)),
            ("layers", "; ".join(f"`{name}` ({each})" for name, each in self.layers.items())),
        ]
        lines = ["## Provides, requires, build environment, layers", "", "| | |", "|---|---|"]
        lines += [f"| {what} | {text or 'nothing'} |" for what, text in rows]
        return "\n".join([*lines, "", _STABLE])

    def _calls(self) -> Iterator[ast.Call]:
        for tree in self._trees:
            yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))

    def _named(self, method: str) -> set[str]:
        """Names that code gives to `.provides(…)` or `.requires(…)`."""
        found = set()
        for call in self._calls():
            if isinstance(call.func, ast.Attribute) and call.func.attr == method:
                for each in call.args:
                    found |= self._texts(each)
        return found

    def _planned(self, kind: str) -> set[str]:
        plan = self._class.plan
        alternatives = plan.alternatives if plan else ()
        return {entry.name for each in alternatives for entry in getattr(each, kind)}

    def _texts(self, node: ast.expr) -> set[str]:
        """What an argument may be: of a loop's variable all that the loop goes through."""
        if text := self._text(node):
            return {text}
        found = set()
        for tree in self._trees:
            for loop in (each for each in ast.walk(tree) if isinstance(each, ast.For)):
                ours = isinstance(node, ast.Name) and ast.unparse(loop.target) == node.id
                if ours and isinstance(loop.iter, ast.Tuple | ast.List):
                    found |= {self._text(each) for each in loop.iter.elts}
        return found - {""}

    def _text(self, node: ast.expr) -> str:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        return self._constants.get(node.id, "") if isinstance(node, ast.Name) else ""

    def _told(self) -> set[str]:
        found = set()
        for call in self._calls():
            name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            name = call.func.id if isinstance(call.func, ast.Name) else name
            if name in ("replace", "PythonBuild"):
                found |= {each.arg for each in call.keywords if each.arg in _FIELDS}
        return {each for each in found if each}

    def _read(self) -> set[str]:
        found = set()
        for tree in self._trees:
            for node in ast.walk(tree):
                if (
                    isinstance(node, ast.Attribute)
                    and node.attr in _FIELDS
                    and _is_told(node.value)
                ):
                    found.add(node.attr)
        return found

    def _counted(self) -> dict[str, str]:
        """Layers whose names are made while building."""
        made = [
            ast.unparse(call.func).rpartition(".")[2]
            for call in self._calls()
            if ast.unparse(call.func) in ("Layer.launch", "Layer.cached")
            and call.args
            and not isinstance(call.args[0], ast.Constant)
        ]
        return (
            {"…": f"{'launch' if 'launch' in made else 'cache'}, by what is in them"}
            if made
            else {}
        )

    def _variables(self) -> set[str]:
        found = set()
        for call in self._calls():
            target = ast.unparse(call.func)
            if ".build." in target and "env" in target and call.args:
                found.add(self._text(call.args[0]))
        return found - {"", "CNBKIT_BUILD"}


def with_contract(readme: str, section: str) -> str:
    """A README with the section between its markers; at its end if there are none."""
    if BEGIN not in readme:
        readme = f"{readme.rstrip()}\n\n{BEGIN}\n{END}\n"
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{section}\n\n{END}{after}"


def _is_told(node: ast.expr) -> bool:
    """Whether an expression is a `PythonBuild`, by the names our code has for it."""
    text = ast.unparse(node)
    return text.rpartition(".")[2] in ("told", "_told") or text.startswith("PythonBuild.read(")


def _constants(trees: list[ast.Module]) -> Iterator[tuple[str, str]]:
    for tree in trees:
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                for target in node.targets:
                    if isinstance(target, ast.Name) and isinstance(node.value.value, str):
                        yield target.id, node.value.value


def _purpose(layer: Layer) -> str:
    kinds = [name for name in ("build", "cache", "launch") if getattr(layer, f"is_{name}")]
    return ", ".join(kinds)


def _names(names: set[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


if __name__ == "__main__":
    for each in FOLDERS:
        path = each / "README.md"
        path.write_text(with_contract(path.read_text(), Contract(each).section()))
