"""Packages that the app names itself: whatever the hardware, none of them falls away."""

from __future__ import annotations

import re
from typing import Any

from cnbkit import BuildContext, CnbkitError
from cnbkit_python_inputs.requirements import normalised

__all__ = ["declared_names"]

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
# pip-compile and uv say below a line what asked for it.
_VIA = re.compile(r"^\s+#\s*(?:via\b)?\s*(.*)$")


def declared_names(ctx: BuildContext) -> frozenset[str]:
    """Normalised names in pyproject.toml, Pipfile, requirements.in and requirements.txt."""
    found: set[str] = set()
    for name in ("pyproject.toml", "Pipfile"):
        if ctx.app.has(name):
            try:
                found |= _of_tables(ctx.app.toml(name))
            except CnbkitError:
                continue  # for those to complain of who read it
    for name in ("requirements.in", "requirements.txt"):
        if ctx.app.has(name):
            found |= _of_lines(ctx.app.text(name))
    return frozenset(map(normalised, found))


def _of_tables(document: dict[str, Any]) -> set[str]:
    project, tool = _table(document.get("project")), _table(document.get("tool"))
    poetry = _table(tool.get("poetry"))
    lists = [
        project.get("dependencies"),
        *_table(project.get("optional-dependencies")).values(),
        *_table(document.get("dependency-groups")).values(),
        *_table(_table(tool.get("pdm")).get("dev-dependencies")).values(),
    ]
    tables = [
        *(poetry.get("dependencies"), poetry.get("dev-dependencies"), document.get("packages")),
        *(_table(group).get("dependencies") for group in _table(poetry.get("group")).values()),
    ]
    found = {
        match[1]
        for each in lists
        if isinstance(each, list)
        for text in each
        if isinstance(text, str) and (match := _NAME.match(text))
    }
    return found | {name for each in tables for name in _table(each)}


def _of_lines(text: str) -> set[str]:
    """Those of a requirements file that no other line asked for, as far as its comments tell."""
    found, last, needed = set(), "", False
    for line in [*text.splitlines(), ""]:
        if line[:1].isalnum() or not line.strip():
            if last and not needed:
                found.add(last)
            match = _NAME.match(line)
            last, needed = (match[1] if match else ""), False
        elif (via := _VIA.match(line)) and via[1] and not via[1].startswith("-r "):
            # `# via app (pyproject.toml)` names the project itself.
            needed = "(" not in via[1]
    return found


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
