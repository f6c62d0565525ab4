"""The packages of a lock, read by lines.

Parsing a megabyte of TOML takes longer than the rest of detect; programs write locks, always in
the same lines.
"""

from __future__ import annotations

__all__ = ["Entry", "entries", "normalised"]


def normalised(name: str) -> str:
    """The name of a package, group or extra in its one spelling (PEP 503, PEP 685, PEP 735)."""
    # Without `re`, which takes longer to import than the rest of detect.
    name = name.lower().replace("_", "-").replace(".", "-")
    while "--" in name:
        name = name.replace("--", "-")
    return name


class Entry:
    """A package of a lock.

    Attributes:
        values: of its own keys, as they are written.
        lists: lines of a list by its key, in a table as `table:key`.
        tables: keys of its tables.
    """

    __slots__ = ("lists", "name", "tables", "values")

    def __init__(self) -> None:
        self.name = ""
        self.values: dict[str, str] = {}
        self.lists: dict[str, list[str]] = {}
        self.tables: dict[str, list[str]] = {}


def entries(text: str) -> list[Entry]:
    """All that have a name; a name may be there several times."""
    found: list[Entry] = []
    entry, table, key = Entry(), "", ""
    for raw in text.splitlines():
        line = raw.strip()
        if line in ("[[package]]", "[[packages]]"):
            entry, table, key = Entry(), "", ""
            found.append(entry)
        elif line.startswith("[") and line.endswith("]") and not key:
            table = line.strip("[]")
        elif key:
            if line == "]":
                key = ""
            else:
                entry.lists.setdefault(key, []).append(line)
        else:
            name, equals, value = (part.strip() for part in line.partition("="))
            if not equals:
                continue
            name = name.strip("\"'")
            if table:
                entry.tables.setdefault(table, []).append(name)
            else:
                entry.values.setdefault(name, value)
            if value == "[":
                key = f"{table}:{name}" if table else name
                entry.lists.setdefault(key, [])
            if name == "name" and not table:
                entry.name = normalised(value.strip("\"'"))
    return [each for each in found if each.name]
