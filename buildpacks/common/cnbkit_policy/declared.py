"""What an app declares that is not resolved yet: requirements, and projects without a lock."""

from __future__ import annotations

import os

from cnbkit import BuildContext
from cnbkit_logins.address import split_login
from cnbkit_python_inputs.project import Project
from cnbkit_python_inputs.requirements import Line, Requirements, logical_lines, normalised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["Declared", "Named", "Source"]

_CONSTRAINTS = ("-c", "--constraint")
_EDITABLE = ("-e", "--editable")
_VCS = ("git+", "hg+", "svn+", "bzr+", "git@")


class Named:
    """A package that the app itself asks for.

    Attributes:
        name: normalised.
        version: the one it is fixed to; empty if others would do as well.
        address: where it comes from, if the requirement says so; without a login.
        local: whether it is a folder or a file of the app.
    """

    def __init__(self, name: str, version: str, address: str = "", *, local: bool = False) -> None:
        self.name = name
        self.version = version
        self.address = address
        self.local = local


class Source:
    """Something that packages may come from: an index, a page of links, a repository.

    Attributes:
        address: without a login.
        where: file and line.
    """

    def __init__(self, address: str, where: str) -> None:
        self.address = split_login(address)[0]
        self.where = where


class Declared:
    """What can be known without asking an index.

    Args:
        ctx: the build.
        wanted: what pip is going to resolve.
    """

    def __init__(self, ctx: BuildContext, wanted: Requirements | Project) -> None:
        self._ctx = ctx
        self._wanted = wanted
        self.files = wanted.files
        # Only requirements can have hashes, and pip wants them of all packages or of none.
        self.hashed = set(wanted.allowed_hashes())

    def __str__(self) -> str:
        return str(self._wanted)

    def where(self, name: str) -> str:
        """`file:line` of a package; the file alone if it comes with another."""
        return self._wanted.where(name)

    def packages(self, python: str) -> list[Named]:
        """The packages, those left out that are not for this platform.

        Args:
            python: the version that packages are for; empty if it is not known.
        """
        return list({each.name: each for each in self._packages(python)}.values())

    def sources(self) -> list[Source]:
        """Where the app's files say that packages come from."""
        if isinstance(self._wanted, Project):
            return list(self._of_uv())
        lines = self._wanted.lines()
        named = [line for line in lines if line.index]
        addresses = self._wanted.indexes(self._ctx.env)
        found = [Source(a, line.where) for line, a in zip(named, addresses, strict=True)]
        for line in lines:
            address = line.links or _nameless(line)
            if "://" in address and not address.startswith("file:"):
                found.append(Source(address, line.where))
        return found

    def _packages(self, python: str) -> Iterator[Named]:
        if isinstance(self._wanted, Project):
            for text in self._of_project(self._wanted):
                yield from _named(text, python)
            return
        held: dict[str, str] = {}
        found = []
        seen: set[tuple[str, bool]] = set()
        for root in self._wanted.roots:
            for line, constrains in self._lines(root, seen, constrains=False):
                for each in _named(line.text, python):
                    if not constrains:
                        found.append(each)
                    elif each.version:
                        held[each.name] = each.version
        for each in found:
            each.version = each.version or held.get(each.name, "")
            yield each

    def _lines(
        self, file: str, seen: set[tuple[str, bool]], *, constrains: bool
    ) -> Iterator[tuple[Line, bool]]:
        """Lines of a file and all it includes; and whether they only hold versions."""
        if (file, constrains) in seen or file not in self.files:
            return
        seen.add((file, constrains))
        for line in logical_lines(file, self.files[file]):
            if line.included:
                inner = os.path.normpath(os.path.join(os.path.dirname(file), line.included))
                only = constrains or line.text.startswith(_CONSTRAINTS)
                yield from self._lines(inner, seen, constrains=only)
            elif not line.text.startswith("-"):
                yield line, constrains

    def _of_project(self, project: Project) -> Iterator[str]:
        document = self._document()
        table = _table(document, "project")
        yield from _texts(table.get("dependencies"))
        optional = _table(table, "optional-dependencies")
        for extra in project.extras:
            yield from _texts(optional.get(extra))
        groups = _table(document, "dependency-groups")
        todo = list(project.groups)
        for group in todo:
            entries: Any = groups.get(group)
            yield from _texts(entries)
            for entry in entries if isinstance(entries, list) else []:
                other = entry.get("include-group") if isinstance(entry, dict) else None
                if isinstance(other, str) and other not in todo:
                    todo.append(other)
        poetry = _table(_table(_table(document, "tool"), "poetry"), "dependencies")
        for name, value in poetry.items():
            needed = not (isinstance(value, dict) and value.get("optional"))
            if needed and normalised(name) != "python":
                exact = isinstance(value, str) and value.startswith("==")
                yield f"{name}{value}" if exact else name

    def _of_uv(self) -> Iterator[Source]:
        """Indexes and places of packages in `[tool.uv]`, which uv reads."""
        uv = _table(_table(self._document(), "tool"), "uv")
        for table in (uv, _table(uv, "pip")):
            for key in ("index-url", "extra-index-url", "find-links"):
                value = table.get(key)
                for address in _texts([value] if isinstance(value, str) else value):
                    if "://" in address:
                        yield self._source(address)
            indexes = table.get("index")
            for index in indexes if isinstance(indexes, list) else ():
                if isinstance(index, dict) and isinstance(index.get("url"), str):
                    yield self._source(index["url"])
        for value in _table(uv, "sources").values():
            for one in value if isinstance(value, list) else [value]:
                for key in ("git", "url"):
                    if isinstance(one, dict) and isinstance(one.get(key), str):
                        yield self._source(one[key])

    def _source(self, address: str) -> Source:
        for file, text in self.files.items():
            for number, line in enumerate(text.splitlines(), 1):
                if address in line:
                    return Source(address, f"{file}:{number}")
        return Source(address, str(self))

    def _document(self) -> dict[str, Any]:
        return self._ctx.app.toml("pyproject.toml") if "pyproject.toml" in self.files else {}


def _named(text: str, python: str) -> Iterator[Named]:
    """The package of a requirement; none if it is not for this platform, or cannot be read."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text.partition(" --")[0].strip())
    except InvalidRequirement:
        # A path, or a mistake that whoever installs explains.
        return
    if requirement.marker and not requirement.marker.evaluate(_environment(python)):
        return
    versions = [
        each.version
        for each in requirement.specifier
        if each.operator in ("==", "===") and not each.version.endswith(".*")
    ]
    url = requirement.url or ""
    local = bool(url) and ("://" not in url or "file://" in url) and not url.startswith(_VCS)
    yield Named(
        normalised(requirement.name),
        versions[0] if versions else "",
        "" if local else split_login(url)[0],
        local=local,
    )


def _environment(python: str) -> dict[str, str]:
    # Of the machine that builds, with the Python that is built for.
    found = {"extra": ""}
    if python:
        found["python_full_version"] = python
        found["python_version"] = ".".join(python.split(".")[:2])
    return found


def _nameless(line: Line) -> str:
    """The address of a line that gives one without a package's name."""
    text = line.text
    for option in _EDITABLE:
        if text.startswith((f"{option} ", f"{option}=")):
            text = text[len(option) :].lstrip(" =")
    word = text.split()[0]
    return word if "://" in word and " @ " not in text else ""


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _table(document: dict[str, Any], name: str) -> dict[str, Any]:
    inner = document.get(name)
    return inner if isinstance(inner, dict) else {}
