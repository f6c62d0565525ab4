"""Which Python the app asks for, and where it says so."""

from __future__ import annotations

from cnbkit import BuildContext, UserFault
from cnbkit_python.constraint import allows, both, of_poetry, some_release
from cnbkit_python.locks import of_lock
from cnbkit_python.pyproject import FILE, Pyproject, line_of, table
from cnbkit_python.spelling import is_plain, version_of
from cnbkit_python.version_files import named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["VersionRequest"]

_SETTING = "BP_PYTHON_VERSION"
# asdf's and mise's.
_OF_MACHINES = (".tool-versions", "mise.toml", ".mise.toml", ".config/mise.toml")
_POETRY = "tool.poetry.dependencies in pyproject.toml"


class VersionRequest:
    """A wanted version with its source.

    Attributes:
        wanted: "3.12", "3.12.4" or a range like ">=3.11,<3.13"; empty for "any".
        source: where it stands, for people.
        others: what else asks for a Python and was not asked.
        notes: what of the source was not taken, for the log.
        otherwise: what to do where such a Python cannot be had; empty if another would do.
        where: the source with its line, where that is known.
    """

    def __init__(self, wanted: str, source: str) -> None:
        self.wanted = wanted
        self.source = source
        self.others: list[VersionRequest] = []
        self.notes: list[str] = []
        self.otherwise = ""
        self.where = source

    @classmethod
    def read(
        cls, ctx: BuildContext, setting: str = "", inputs: list[str] | None = None
    ) -> VersionRequest:
        """Look in the settings, then in the app's files.

        Args:
            ctx: the build.
            setting: BP_PYTHON_VERSION.
            inputs: the files with the dependencies; of a lock its own range counts.

        Raises:
            UserFault: what stands there is no version.
        """
        found = [cls(version_of(setting, _SETTING), _SETTING)] if setting else []
        for each in named(ctx):
            # Of what is not asked anyway nothing need be understood.
            if any(other.wanted for other in found):
                found.append(cls._understood(each.text, each.file))
                continue
            request = cls(version_of(each.text, f"{each.file}:{each.line}"), each.file)
            request.where = f"{each.file}:{each.line}"
            if each.more:
                request.notes.append(
                    f"{each.file}: {each.text} is taken, {', '.join(each.more)} not"
                )
            found.append(request)
        found.append(cls._of_files(ctx, inputs or []))
        asking = _uncontradicted([each for each in found if each.wanted])
        chosen, *others = asking or [cls("", "")]
        chosen.others = others
        return chosen

    @classmethod
    def _understood(cls, text: str, source: str) -> VersionRequest:
        try:
            return cls(version_of(text, source), source)
        except UserFault:
            return cls("", source)

    @classmethod
    def _of_files(cls, ctx: BuildContext, inputs: list[str]) -> VersionRequest:
        """The ranges that project and lock have, together."""
        pyproject = Pyproject.read(ctx)
        if pyproject.fault and {FILE, "uv.lock", "poetry.lock", "pdm.lock"} & {*inputs}:
            raise pyproject.fault
        pipfile = any(each in ("Pipfile", "Pipfile.lock") for each in inputs)
        project = (
            (cls._of_pipfile(ctx) if pipfile else None)
            or cls._of_project(pyproject)
            or cls._of_pipfile(ctx)
            or cls("", "")
        )
        for name in inputs if len(inputs) == 1 else []:
            locked = of_lock(ctx, name, pyproject)
            if not locked or locked == project.wanted or not _is_range(locked):
                continue
            together = both(project.wanted, locked) if project.wanted else locked
            if not project.wanted or not some_release(together):
                # The lock is what is installed.
                return cls(locked, name)
            return cls(together, f"{project.source} and {name}")
        return project

    @classmethod
    def _of_project(cls, pyproject: Pyproject) -> VersionRequest | None:
        wanted = pyproject.project.get("requires-python")
        if wanted:
            where = _at(pyproject, "requires-python")
            # Poetry reads this line as it reads its own: `3.12.*` and `^3.12` are ranges to it.
            if pyproject.poetry and isinstance(wanted, str):
                wanted = of_poetry(wanted)
            return cls(_range(wanted, where), f"requires-python in {FILE}")
        poetry = table(pyproject.poetry, "dependencies").get("python")
        if poetry:
            where = _at(pyproject, "python")
            alternatives = [_range(of_poetry(each), where) for each in _constraints(poetry, where)]
            return cls(" || ".join(filter(None, alternatives)), _POETRY)
        return None

    @classmethod
    def _of_pipfile(cls, ctx: BuildContext) -> VersionRequest | None:
        if not ctx.app.has("Pipfile"):
            return None
        requires = table(ctx.app.toml("Pipfile"), "requires")
        for name in ("python_full_version", "python_version"):
            if requires.get(name):
                line = line_of(ctx.app.text("Pipfile"), name)
                wanted = version_of(str(requires[name]), f"Pipfile:{line}")
                return cls(wanted, f"{name} in Pipfile")
        return None

    @property
    def reason(self) -> str:
        """Why this one: "3.12 from .python-version"."""
        return f"{self.wanted} from {self.source}" if self.wanted else "no version asked for"

    def satisfied_by(self, version: str) -> bool:
        """Whether a full version fits the request."""
        return not self.wanted or allows(self.wanted, version)

    def contradicted_by(self, version: str) -> list[str]:
        """What else asks for another Python than the one that was chosen, for the log."""
        return [
            f"{each.source} says {each.wanted}, but the image has Python {version}, because of "
            f"{self.source}"
            for each in self.others
            if not each.satisfied_by(version)
        ]


def _uncontradicted(asking: list[VersionRequest]) -> list[VersionRequest]:
    """Last, what tools for a whole machine are told, where the project's own range excludes it.

    Those who install by the range look for another Python then, and so does this.
    """
    if len(asking) < 2 or asking[0].source not in _OF_MACHINES:
        return asking
    first, *others = asking
    for each in others:
        if each.source not in _OF_MACHINES and not some_release(both(first.wanted, each.wanted)):
            rest = [other for other in others if other is not each]
            return [each, first, *rest]
    return asking


def _constraints(value: Any, where: str) -> list[str]:
    """What Poetry takes for a version: a text, a table with one, or several."""
    values = value if isinstance(value, list) else [value]
    found = [each.get("version") if isinstance(each, dict) else each for each in values]
    if not all(isinstance(each, str) and each.strip() for each in found):
        raise UserFault(
            f"the version of python is {value!r}", where=where, remedy='write python = "^3.11"'
        )
    return [str(each) for each in found]


def _range(value: object, where: str) -> str:
    """A range that can be asked.

    Raises:
        UserFault: it is not a specifier.
    """
    if not isinstance(value, str):
        raise UserFault(
            f"requires-python is {value!r}, not a text",
            where=where,
            remedy='write requires-python = ">=3.11", in quotes',
        )
    if is_plain(value) or _is_range(value):
        return value
    raise UserFault(
        f"{value!r} is not a range of Python versions",
        where=where,
        remedy="write a range such as >=3.11 or >=3.11,<3.13",
    )


def _is_range(text: str) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        for each in text.split("||"):
            if not is_plain(each.strip()):
                SpecifierSet(each)
    except InvalidSpecifier:
        return False
    return True


def _at(pyproject: Pyproject, word: str) -> str:
    return f"{FILE}:{line_of(pyproject.text, word)}"
