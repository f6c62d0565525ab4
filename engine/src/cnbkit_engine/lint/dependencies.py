"""Checks of what a buildpack installs and what its code imports, as it lists them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cnbkit.dependencies import dependencies_in
from cnbkit.errors import BuildpackFault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cnbkit_engine.lint.finding import Findings
    from cnbkit_engine.lint.text import TomlFile

__all__ = ["check_dependencies", "check_lock"]

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(\[[^]]*\])?\s*(==|@)\s*\S+")


def check_dependencies(toml: TomlFile, found: Findings) -> None:
    """What `ctx.dependencies` and `cnbkit package --offline` read."""
    metadata = toml.data.get("metadata")
    try:
        dependencies_in(metadata if isinstance(metadata, dict) else {}, toml.path.name)
    except BuildpackFault as fault:
        for what in (fault.detail or fault.what).splitlines():
            number = re.match(r"dependencies\[(\d+)\]", what)
            keys = ("dependencies", int(number[1])) if number else ("dependencies",)
            remedy = "give each an uri, a checksum, and with an id its version"
            line = toml.line("metadata", *keys)
            found.error(toml.path, line, "dependency", what, remedy)


def check_lock(lock: Path, found: Findings) -> None:
    """Tell what of a requirements.lock has no version or no hash."""
    if not lock.is_file():
        return
    text = lock.read_text(encoding="utf-8", errors="replace")
    remedy = "make it with: uv pip compile --generate-hashes --no-emit-index-url"
    for number, logical in _logical_lines(text):
        line = re.sub(r"(^|\s)#.*", "", logical).strip()
        if line.startswith("-"):
            what = f"{line.split()[0]} has no place in a lock: it holds on every machine"
            found.error(lock, number, "lock", what, remedy)
        elif line:
            name = re.split(r"[\s;=<>!~@\[]", line, maxsplit=1)[0]
            if not _REQUIREMENT.match(line):
                what = f"{name} is not pinned to one version"
                found.error(lock, number, "lock", what, remedy)
            if "--hash=" not in line:
                found.error(lock, number, "lock", f"{name} has no hash", remedy)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """One for each requirement, with the number of its first physical line."""
    number, logical = 0, ""
    for at, physical in enumerate(text.splitlines(), 1):
        number = number or at
        logical += physical.rstrip("\\") + " "
        if not physical.endswith("\\"):
            yield number, logical
            number, logical = 0, ""
    if logical:  # the last line ends as if there were another
        yield number, logical
