"""Which packages of a lock the image gets, before anything has read the lock for real.

Read by lines, because parsing a megabyte of TOML takes longer than the rest of detect; programs
write locks, always in the same lines. What is not understood counts as selected: only what
certainly stays away is left out.
"""

from __future__ import annotations

from cnbkit_start.config import normalised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Selection", "selected"]

_MAIN = ("main", "default")
# Tables of a package in uv.lock, and what of them is asked for.
_EXTRAS, _GROUPS = "package.optional-dependencies", "package.dev-dependencies"


class Selection:
    """What is asked for of a project besides its own dependencies.

    Args:
        groups: names of dependency groups.
        extras: of the project.
        member: of a workspace; empty for its root.
    """

    def __init__(
        self, groups: Iterable[str] = (), extras: Iterable[str] = (), member: str = ""
    ) -> None:
        self.groups = {normalised(each) for each in groups}
        self.extras = {normalised(each) for each in extras}
        self.member = normalised(member)


def selected(
    text: str, file: str, wanted: Selection | None, own: Iterable[str] | None = None
) -> set[str]:
    """Names of the packages that are selected, and maybe of more.

    Args:
        text: of the lock.
        file: its name.
        wanted: what is asked for; None takes all that the lock has.
        own: what the project depends on itself; None if that is not known.
    """
    name = file.rpartition("/")[2]
    if name == "Pipfile.lock":
        return _of_pipfile(text, everything=wanted is None or bool(wanted.groups))
    entries = _entries(text)
    found: set[str] | None = None
    if wanted is not None:
        if name == "uv.lock":
            found = _of_uv(entries, wanted)
        elif name == "poetry.lock":
            found = _of_poetry(entries, wanted, own)
        elif name == "pdm.lock":
            found = _of_pdm(entries, wanted)
        else:
            found = _of_pylock(text, entries, wanted)
    return {each.name for each in entries} if found is None else found


class _Entry:
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


def _entries(text: str) -> list[_Entry]:
    """All that have a name; a name may be there several times."""
    found: list[_Entry] = []
    entry, table, key = _Entry(), "", ""
    for raw in text.splitlines():
        line = raw.strip()
        if line in ("[[package]]", "[[packages]]"):
            entry, table, key = _Entry(), "", ""
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


def _words(text: str) -> set[str]:
    """Strings of a list in one line."""
    return {normalised(each.strip(" \"'")) for each in text.strip("[]").split(",")} - {""}


def _of_uv(entries: list[_Entry], wanted: Selection) -> set[str] | None:
    """What is reached from the member; uv's lock knows the project's own groups and extras."""
    by_name: dict[str, list[_Entry]] = {}
    for entry in entries:
        by_name.setdefault(entry.name, []).append(entry)
    if wanted.member:
        roots = by_name.get(wanted.member, [])
    else:
        roots = [each for each in entries if _is_root(each.values.get("source", ""))]
    # A root that is not a package has all members.
    if len(roots) != 1 or any(_is_in_one_line(each) for each in entries):
        return None
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    to_do = [(roots[0].name, "")]
    to_do += [(roots[0].name, f"{_EXTRAS}:{each}") for each in wanted.extras]
    to_do += [(roots[0].name, f"{_GROUPS}:{each}") for each in wanted.groups]
    while to_do:
        step = to_do.pop()
        if step in seen:
            continue
        seen.add(step)
        name, key = step
        found.add(name)
        for entry in by_name.get(name, ()):
            for other, lines in entry.lists.items():
                place, _, last = other.rpartition(":")
                if (f"{place}:{normalised(last)}" if place else "") != key:
                    continue
                if place or other == "dependencies":
                    to_do += [each for line in lines for each in _needed(line)]
    return found


def _is_root(source: str) -> bool:
    return any(f'{kind} = "."' in source for kind in ("editable", "virtual", "directory"))


def _is_in_one_line(entry: _Entry) -> bool:
    """Whether a list is not written as uv writes them."""
    tables = (
        f"{table}:{name}" for table in (_EXTRAS, _GROUPS) for name in entry.tables.get(table, ())
    )
    lists = [*(["dependencies"] if "dependencies" in entry.values else []), *tables]
    return any(each not in entry.lists for each in lists)


def _needed(line: str) -> list[tuple[str, str]]:
    """A dependency in uv.lock, and its extras: `{ name = "a", extra = ["b"] }`."""
    _, mark, rest = line.partition('name = "')
    if not mark:
        return []
    name = normalised(rest.partition('"')[0])
    extras = rest.partition("extra = [")[2].partition("]")[0]
    return [(name, ""), *((name, f"{_EXTRAS}:{each}") for each in _words(extras))]


def _of_poetry(
    entries: list[_Entry], wanted: Selection, own: Iterable[str] | None
) -> set[str] | None:
    """By what Poetry 2 or its first releases say of a package; else what `own` leads to."""
    for key in ("groups", "category"):
        if any(key in each.values for each in entries):
            if key == "category" and wanted.groups:
                return None  # all but main are `dev` there
            groups = {*_MAIN, *wanted.groups}
            return {
                each.name
                for each in entries
                if groups & _words(each.values.get(key, "main"))
                and (wanted.extras or each.values.get("optional") != "true")
            }
    if own is None or wanted.groups or wanted.extras:
        return None
    edges: dict[str, set[str]] = {}
    for entry in entries:
        needed = map(normalised, entry.tables.get("package.dependencies", ()))
        edges.setdefault(entry.name, set()).update(needed)
    found: set[str] = set()
    to_do = [normalised(each) for each in own]
    while to_do:
        name = to_do.pop()
        if name in edges and name not in found:
            found.add(name)
            to_do += edges[name]
    return found


def _of_pdm(entries: list[_Entry], wanted: Selection) -> set[str] | None:
    """By the groups of each package; extras of the project are groups as well."""
    if not all("groups" in each.values for each in entries):
        return None
    groups = {*_MAIN, *wanted.groups, *wanted.extras}
    return {each.name for each in entries if groups & _words(each.values["groups"])}


def _of_pylock(text: str, entries: list[_Entry], wanted: Selection) -> set[str]:
    """By the markers that name groups and extras."""
    head = text.partition("[[packages]]")[0]
    defaults = _words(head.partition("default-groups = ")[2].partition("\n")[0])
    there = {"dependency_groups": wanted.groups | defaults, "extras": wanted.extras}
    return {
        each.name for each in entries if not _is_false(each.values.get("marker", "")[1:-1], there)
    }


def _is_false(marker: str, there: dict[str, set[str]]) -> bool:
    """Whether a marker certainly leaves a package out, whatever it is installed on."""
    if " or " in marker:
        plain = "(" not in marker and " and " not in marker
        return plain and all(_is_false(each, there) for each in marker.split(" or "))
    for clause in marker.split(" and "):
        name, within, where = clause.partition(" in ")
        if within and where.strip() in there and " not" not in name:
            word = normalised(name.strip(" \\\"'"))
            if word not in there[where.strip()]:
                return True
    return False


def _of_pipfile(text: str, *, everything: bool) -> set[str]:
    """Keys at the second level: those of `default`, which stands before `develop`."""
    text = text.partition('"default"')[2]
    if not everything:
        text = text.partition('"develop"')[0]
    lines = (line.strip() for line in text.splitlines())
    return {normalised(line.split('"')[1]) for line in lines if line.endswith('": {')}
