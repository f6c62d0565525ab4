"""Which packages of a lock the image gets, before anything has read the lock for real.

What is not understood counts as selected: only what certainly stays away is left out.
"""

from __future__ import annotations

from cnbkit_locked.entries import Entry, entries, normalised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Selection", "certain", "selected"]

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
    packages = entries(text)
    found: set[str] | None = None
    if wanted is not None:
        if name == "uv.lock":
            found = _of_uv(packages, wanted)
        elif name == "poetry.lock":
            found = _of_poetry(packages, wanted, own)
        elif name == "pdm.lock":
            found = _of_pdm(packages, wanted)
        else:
            found = _of_pylock(text, packages, wanted)
    return {each.name for each in packages} if found is None else found


def certain(text: str, file: str) -> list[Entry]:
    """Packages that the image gets for sure, whichever Python it has: no marker leads to them.

    Args:
        text: of the lock.
        file: its name.
    """
    wanted, name = Selection(), file.rpartition("/")[2]
    packages = entries(text)
    found: set[str] | None = None
    if name == "uv.lock":
        for each in packages:
            each.lists = {
                key: [line for line in lines if " marker = " not in line]
                for key, lines in each.lists.items()
            }
        found = _of_uv(packages, wanted)
    else:
        packages = [each for each in packages if not {"marker", "markers"} & each.values.keys()]
        if name == "poetry.lock":
            found = _of_poetry(packages, wanted, None)
        elif name == "pdm.lock":
            found = _of_pdm(packages, wanted)
        elif name != "Pipfile.lock":
            found = _of_pylock(text, packages, wanted)
    return [each for each in packages if each.name in (found or ())]


def _words(text: str) -> set[str]:
    """Strings of a list in one line."""
    return {normalised(each.strip(" \"'")) for each in text.strip("[]").split(",")} - {""}


def _of_uv(packages: list[Entry], wanted: Selection) -> set[str] | None:
    """What is reached from the member; uv's lock knows the project's own groups and extras."""
    by_name: dict[str, list[Entry]] = {}
    for entry in packages:
        by_name.setdefault(entry.name, []).append(entry)
    if wanted.member:
        roots = by_name.get(wanted.member, [])
    else:
        roots = [each for each in packages if _is_root(each.values.get("source", ""))]
    # A root that is not a package has all members.
    if len(roots) != 1 or any(_is_in_one_line(each) for each in packages):
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


def _is_in_one_line(entry: Entry) -> bool:
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
    packages: list[Entry], wanted: Selection, own: Iterable[str] | None
) -> set[str] | None:
    """By what Poetry 2 or its first releases say of a package; else what `own` leads to."""
    for key in ("groups", "category"):
        if any(key in each.values for each in packages):
            if key == "category" and wanted.groups:
                return None  # all but main are `dev` there
            groups = {*_MAIN, *wanted.groups}
            return {
                each.name
                for each in packages
                if groups & _words(each.values.get(key, "main"))
                and (wanted.extras or each.values.get("optional") != "true")
            }
    if own is None or wanted.groups or wanted.extras:
        return None
    edges: dict[str, set[str]] = {}
    for entry in packages:
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


def _of_pdm(packages: list[Entry], wanted: Selection) -> set[str] | None:
    """By the groups of each package; extras of the project are groups as well."""
    if not all("groups" in each.values for each in packages):
        return None
    groups = {*_MAIN, *wanted.groups, *wanted.extras}
    return {each.name for each in packages if groups & _words(each.values["groups"])}


def _of_pylock(text: str, packages: list[Entry], wanted: Selection) -> set[str]:
    """By the markers that name groups and extras."""
    head = text.partition("[[packages]]")[0]
    defaults = _words(head.partition("default-groups = ")[2].partition("\n")[0])
    there = {"dependency_groups": wanted.groups | defaults, "extras": wanted.extras}
    return {
        each.name for each in packages if not _is_false(each.values.get("marker", "")[1:-1], there)
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
