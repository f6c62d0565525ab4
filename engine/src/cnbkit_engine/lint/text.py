"""Finding places in files."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from cnbkit.errors import InvalidDocument
from cnbkit.spec.positions import line_of, lines
from cnbkit.spec.toml import decode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cnbkit_engine.lint.finding import Findings

__all__ = ["Python", "TomlFile"]


class TomlFile:
    """A TOML file and where each key of it stands.

    Args:
        path: the file.
        found: told when it cannot be read or is not TOML.

    Attributes:
        data: its contents; empty if there are none.
        valid: whether it is TOML; what is not has been told.
    """

    def __init__(self, path: Path, found: Findings) -> None:
        self.path = path
        self.text = b""
        self.data: dict[str, Any] = {}
        self.valid = False
        try:
            self.text = path.read_bytes()
            self.data = decode(self.text, name=path.name)
            self.valid = True
        except InvalidDocument as invalid:
            found.invalid(path, invalid)
        except OSError as error:
            what = f"cannot read {path.name}: {error.strerror}"
            found.error(path, 0, "missing", what, "add the file, or correct where it is named")
        self._lines = lines(self.text.decode()) if self.data else {}

    def line(self, *keys: str | int) -> int:
        """The line of a key, or of the nearest table around it; 1 if there is neither."""
        return line_of(keys, self._lines) or 1


class Python:
    """A buildpack's Python files, read and not run."""

    _SETTING = re.compile(r"BP_\w*")

    def __init__(self, files: list[Path]) -> None:
        self._trees: list[tuple[Path, ast.Module]] = []
        for path in files:
            try:
                self._trees.append((path, ast.parse(path.read_bytes())))
            except (SyntaxError, ValueError, MemoryError, RecursionError):  # the last: nested deep
                continue  # importing it tells, with its line

    def settings(self) -> dict[str, tuple[Path, int]]:
        """BP_* variables it names, with the first place of each."""
        found: dict[str, tuple[Path, int]] = {}
        for path, node in self._nodes():
            # Not in running text: there the whole constant is more than a name.
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            if self._SETTING.fullmatch(node.value) and node.value != "BP_":
                found.setdefault(node.value, (path, node.lineno))
        return found

    def plan_names(self, kind: str) -> dict[str, tuple[Path, int]]:
        """Names given to calls of `.provides(…)` or `.requires(…)`, with their places.

        Args:
            kind: which of the two.
        """
        found: dict[str, tuple[Path, int]] = {}
        for path, node in self._nodes():
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr == kind:
                names = node.args if kind == "provides" else node.args[:1]
                for name in names:
                    if isinstance(name, ast.Constant) and isinstance(name.value, str):
                        found.setdefault(name.value, (path, name.lineno))
        return found

    def place_of(self, name: str) -> tuple[Path, int] | None:
        """Where a class is defined."""
        for path, node in self._nodes():
            if isinstance(node, ast.ClassDef) and node.name == name:
                return path, node.lineno
        return None

    def place_of_text(self, value: str) -> tuple[Path, int] | None:
        """Where a string stands."""
        for path, node in self._nodes():
            if isinstance(node, ast.Constant) and node.value == value:
                return path, node.lineno
        return None

    def place_of_import(self, module: str) -> tuple[Path, int] | None:
        """Where a module is imported while its file is, outside of functions."""
        for path, tree in self._trees:
            for node in _at_import(tree):
                names = (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import)
                    else [node.module or ""]
                )
                if any(name.partition(".")[0] == module for name in names):
                    return path, node.lineno
        return None

    def imports(self) -> dict[str, tuple[Path, int]]:
        """Top-level names of all it imports and cannot do without, with the first place of each.

        Not what only type checkers see, nor what it tries and does without.
        """
        found: dict[str, tuple[Path, int]] = {}
        for path, tree in self._trees:
            for node in _needed(tree):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and not node.level:
                    names = [node.module or ""]
                for name in names:
                    found.setdefault(name.partition(".")[0], (path, node.lineno))
        return found

    def _nodes(self) -> Iterator[tuple[Path, ast.AST]]:
        for path, tree in self._trees:
            for node in ast.walk(tree):
                yield path, node


def _at_import(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            for each in child.orelse:
                yield from _at_import(each)
        elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _at_import(child)


def _needed(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            for each in child.orelse:
                yield from _needed(each)
        elif isinstance(child, ast.Try) and any(
            handler.type is None
            or "Import" in (dump := ast.dump(handler.type))
            or "ModuleNotFound" in dump
            for handler in child.handlers
        ):
            continue
        else:
            yield from _needed(child)
