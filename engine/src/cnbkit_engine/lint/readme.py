"""Whether a buildpack's README knows its settings."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.lint.finding import Findings
    from cnbkit_engine.lint.probe import Probed
    from cnbkit_engine.lint.text import Python

__all__ = ["check_options", "check_settings"]

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


def check_options(readme: Path, told: Probed, found: Findings) -> None:
    """That the README has the table of the options the code declares."""
    if told.readme_fault:
        found.warning(readme, 0, "readme", *told.readme_fault)
    if not told.readme:
        return
    text = readme.read_text(encoding="utf-8", errors="surrogateescape")
    if text == told.readme:
        return
    if found.fix:
        readme.write_text(told.readme, encoding="utf-8", errors="surrogateescape")
        return
    pairs = zip_longest(text.splitlines(), told.readme.splitlines())
    line = next((at for at, (is_, should) in enumerate(pairs, 1) if is_ != should), 1)
    what = "the table of settings says something else than the code"
    remedy = f"run: cnbkit check --fix {readme.parent}"
    found.warning(readme, line, "readme", what, remedy)


def check_settings(folder: Path, python: Python, wanted: str, found: Findings) -> None:
    """BP_* variables: their names, and that the README knows them.

    Args:
        folder: the buildpack's.
        python: its code.
        wanted: the README as it should be, if it is made from options.
        found: what was found so far.
    """
    readme = folder / "README.md"
    there = readme.read_text(encoding="utf-8", errors="replace") if readme.is_file() else ""
    text = wanted or there
    for name, (path, line) in sorted(python.settings().items()):
        if not _VARIABLE.fullmatch(name):
            what = f"{name} cannot be set everywhere: it is not all capitals, digits and _"
            found.error(path, line, "setting", what, f"name it {name.upper()}")
        elif text and name not in text:
            what = f"README.md does not know {name}, which {path.name}:{line} reads"
            found.warning(readme, 0, "readme", what, "describe it there")
    for number, content in enumerate(text.splitlines(), 1):
        for name, value in re.findall(r"\b(BP_[A-Z0-9_]+)=([^\s`'\"]+)", content):
            if "=" in value or ";" in value:
                what = f"the example for {name} has = or ; in its value, where CI services cut it"
                found.warning(readme, number, "setting", what, "use key:value,key:value or a file")
