"""The requirements a user has written, each for itself: what can be asked of an index."""

from __future__ import annotations

import os
import re
import tomllib

from cnbkit_python_inputs.requirements import Line, Requirements, normalised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnbkit_pip.engines.engine import Wanted
    from cnbkit_python_inputs.target import TargetEnvironment

__all__ = ["Stated"]

_SOURCES = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-index", "--pre")
_HASH = re.compile(r"\s--hash[= ]\S+")


class Stated:
    """Lines of files, without those of constraints.

    Args:
        wanted: what the user wrote.
        root: the app's directory.
        target: lines for other systems or Pythons are left out.

    Attributes:
        lines: all of them.
    """

    def __init__(self, wanted: Wanted, root: str, target: TargetEnvironment) -> None:
        self._root = root
        self._markers = {key: str(value) for key, value in target.markers.items()}
        if isinstance(wanted, Requirements):
            every = wanted.lines()
            self._constraints = _constraints(every)
            self.lines = [each for each in every if each.file not in self._constraints]
            self._limits = [each for each in every if each.file in self._constraints]
        else:
            self._limits = []
            self.lines = list(_declared(wanted))

    def options(self) -> str:
        """The lines that say where packages come from, for a file that lies elsewhere."""
        found = []
        for line in self.lines:
            option, _, value = line.text.replace("=", " ", 1).partition(" ")
            if option not in _SOURCES:
                continue
            value = value.strip()
            if option in ("-f", "--find-links") and "://" not in value:
                value = os.path.join(self._root, value)
            found.append(f"{option} {value}".strip() + "\n")
        return "".join(found)

    def indexed(self) -> list[Line]:
        """Those that name a package which an index has to have, for this target."""
        return [line for line in self.lines if self._is_asked(line)]

    def limits(self) -> str:
        """The lines of constraints."""
        return "".join(f"{self.requirement(line)}\n" for line in self._limits if line.name)

    @staticmethod
    def requirement(line: Line) -> str:
        """What it asks for, without hashes and options."""
        return _HASH.sub("", line.text).partition(" --")[0].strip()

    def _is_asked(self, line: Line) -> bool:
        from packaging.markers import UndefinedEnvironmentName
        from packaging.requirements import InvalidRequirement, Requirement

        if not line.name or "://" in line.text or " @ " in line.text:
            return False
        try:
            found = Requirement(self.requirement(line))
            if found.marker is None:
                return True
            return found.marker.evaluate({**self._markers, "extra": ""})
        except (InvalidRequirement, UndefinedEnvironmentName, ValueError, RecursionError):
            return False


def _constraints(lines: list[Line]) -> set[str]:
    """Files that only limit versions."""
    found = set()
    for line in lines:
        if line.text.startswith(("-c", "--constraint")) and line.included:
            folder = os.path.dirname(line.file)
            found.add(os.path.normpath(os.path.join(folder, line.included)))
    return found


def _declared(wanted: Wanted) -> Iterator[Line]:
    """The dependencies of a project, as lines of its file."""
    text = wanted.files.get("pyproject.toml", "")
    try:
        project = tomllib.loads(text).get("project", {})
        declared = [*project.get("dependencies", [])]
    except (ValueError, RecursionError, AttributeError, TypeError):
        return
    for each in declared:
        if not isinstance(each, str):
            continue
        where = wanted.where(normalised(re.split(r"[^A-Za-z0-9._-]", each, maxsplit=1)[0]))
        file, _, number = where.rpartition(":")
        yield Line(file or where, int(number) if number.isdigit() else 1, each)
