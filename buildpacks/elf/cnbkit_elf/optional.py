"""Files that may lack a library without harm: plug-ins, and modules whose import may fail."""

from __future__ import annotations

import ast
import os
import re

from cnbkit_elf.facts import ElfFile, Facts

__all__ = ["optional_apart"]

_MODULE = re.compile(r"(?P<name>\w+)(?:\.cpython-\w+(?:-[\w-]+)?|\.abi3)\.so")
_SITE = "/site-packages/"
# What code that can do without a module waits for.
_EXPECTED = {"ImportError", "ModuleNotFoundError", "OSError", "Exception", "BaseException"}
# Sources that are longer are data.
_LONGEST = 4_000_000


def optional_apart(
    missing: dict[str, list[ElfFile]], facts: Facts
) -> tuple[dict[str, list[ElfFile]], dict[str, list[ElfFile]]]:
    """What is missing where an app starts, and what only parts lack that it can do without.

    Args:
        missing: names of libraries, and the files that need each.
        facts: what is in the layers.
    """
    optional = Optional(facts)
    at_start: dict[str, list[ElfFile]] = {}
    never: dict[str, list[ElfFile]] = {}
    for name, files in missing.items():
        needed = [each for each in files if not optional.may_lack(each)]
        if needed:
            at_start[name] = needed
        else:
            never[name] = files
    return at_start, never


class Optional:
    """Tells what of the image is loaded only by code that can do without.

    Args:
        facts: what is in the layers; what is found out here is remembered there.
    """

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._needers: dict[str, list[ElfFile]] = {}
        for file in facts.files:
            for name in file.needed:
                self._needers.setdefault(name, []).append(file)

    def may_lack(self, file: ElfFile) -> bool:
        """Whether nothing that starts by itself loads a file."""
        return self._may_lack(file, set())

    def _may_lack(self, file: ElfFile, seen: set[str]) -> bool:
        if file.path in seen:
            return True  # asked for by nobody but itself, so far
        seen.add(file.path)
        names = {os.path.basename(file.path), file.soname} - {""}
        needers = [each for name in names for each in self._needers.get(name, [])]
        needers = [each for each in needers if each.path != file.path]
        if needers:
            return all(self._may_lack(each, seen) for each in needers)
        known = self._facts.optional(file.path)
        if known is None:
            known = self._looked_at(file)
            self._facts.remember_optional(file.path, optional=known)
        return known

    def _looked_at(self, file: ElfFile) -> bool:
        """Of a file that no other is linked with."""
        before, site, inside = file.path.partition(_SITE)
        name = os.path.basename(file.path)
        if not site:
            # Debian's plug-ins are in folders of their own, where no loader looks.
            plugin = ".so" in name and "/usr/lib/" in file.path
            return plugin and os.path.dirname(file.path) not in self._facts.loader_path
        top = f"{before}{site}{inside.split('/')[0]}"
        if not os.path.isdir(top):
            return False  # a module of its own, or a layer that is not here
        if found := _MODULE.fullmatch(name):
            return _import_may_fail(top, found["name"])
        return name.startswith("lib") and not _is_named(top, name)


def _import_may_fail(top: str, module: str) -> bool:
    """Whether a package imports a module of its own, and everywhere expects that to fail."""
    guarded = []
    for text in _sources(top, module):
        try:
            guarded += _imports(ast.parse(text), module, expected=False)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return bool(guarded) and all(guarded)


def _imports(node: ast.AST, module: str, *, expected: bool) -> list[bool]:
    """For each import of a module below a node: whether its failure is expected there.

    What a function imports is imported when it is called, and not when the app starts.
    """
    found = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            found += [expected for each in child.names if each.name.split(".")[-1] == module]
        elif isinstance(child, ast.ImportFrom):
            named = [each.name for each in child.names]
            if (child.module or "").split(".")[-1] == module or module in named:
                found.append(expected)
        elif isinstance(child, ast.Try):
            caught = expected or any(_expects(each) for each in child.handlers)
            for part in child.body:
                holder = ast.Module(body=[part], type_ignores=[])
                found += _imports(holder, module, expected=caught)
            rest = [*child.handlers, *child.orelse, *child.finalbody]
            for other in rest:
                holder = ast.Module(body=[other], type_ignores=[])  # type: ignore[list-item]
                found += _imports(holder, module, expected=expected)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            found += _imports(child, module, expected=True)
        else:
            found += _imports(child, module, expected=expected)
    return found


def _expects(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(each, ast.Name) and each.id in _EXPECTED for each in kinds)


def _is_named(top: str, library: str) -> bool:
    """Whether a package's code names a library, as code does that loads it by itself."""
    stem = library.partition(".so")[0]
    return any(True for _ in _sources(top, stem)) or any(
        True for _ in _sources(top, stem.removeprefix("lib"))
    )


def _sources(top: str, word: str) -> list[str]:
    """The Python files of a package that have a word in them."""
    found = []
    for folder, folders, files in os.walk(top):
        folders.sort()
        for name in sorted(files):
            path = f"{folder}/{name}"
            if not name.endswith(".py") or os.path.getsize(path) > _LONGEST:
                continue
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
            if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text):
                found.append(text)
    return found
