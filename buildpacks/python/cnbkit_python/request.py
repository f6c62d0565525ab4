"""Which Python the app asks for, and where it says so."""

from __future__ import annotations

from cnbkit import BuildContext, UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["VersionRequest"]


class VersionRequest:
    """A wanted version with its source.

    Attributes:
        wanted: "3.12", "3.12.4" or a specifier like ">=3.11,<3.13"; empty for "any".
        source: where it stands, for people.
    """

    def __init__(self, wanted: str, source: str) -> None:
        self.wanted = wanted
        self.source = source

    @classmethod
    def read(cls, ctx: BuildContext, setting: str = "") -> VersionRequest:
        """Look in the settings, then in the app's files.

        Args:
            ctx: the build.
            setting: BP_PYTHON_VERSION.

        Raises:
            UserFault: what stands there is no version.
        """
        if setting:
            return cls(setting, "BP_PYTHON_VERSION")._checked()
        for name, read in (
            (".python-version", _first_line),
            ("runtime.txt", lambda text: _first_line(text).removeprefix("python-")),
            (".tool-versions", _tool_version),
        ):
            wanted = read(ctx.app.text(name)) if ctx.app.has(name) else ""
            if wanted:
                return cls(wanted, name)._checked()
        return cls._of_project(ctx) or cls._of_pipfile(ctx) or cls("", "")

    @classmethod
    def _of_project(cls, ctx: BuildContext) -> VersionRequest | None:
        text = ctx.app.text("pyproject.toml") if ctx.app.has("pyproject.toml") else ""
        # The words are looked for first: parsing TOML takes longer than the rest of the build.
        if "requires-python" not in text and "[tool.poetry.dependencies]" not in text:
            return None
        document = ctx.app.toml("pyproject.toml")
        wanted = str(_table(document, "project").get("requires-python", ""))
        if wanted:
            return cls(wanted, "requires-python in pyproject.toml")._checked()
        poetry = str(_table(document, "tool", "poetry", "dependencies").get("python", ""))
        if poetry:
            where = "tool.poetry.dependencies in pyproject.toml"
            return cls(_specifier(poetry), where)._checked()
        return None

    @classmethod
    def _of_pipfile(cls, ctx: BuildContext) -> VersionRequest | None:
        if not ctx.app.has("Pipfile") or "python_" not in ctx.app.text("Pipfile"):
            return None
        requires = _table(ctx.app.toml("Pipfile"), "requires")
        for name in ("python_full_version", "python_version"):
            if requires.get(name):
                return cls(str(requires[name]), f"{name} in Pipfile")._checked()
        return None

    @property
    def reason(self) -> str:
        """Why this one: "3.12 from .python-version"."""
        return f"{self.wanted} from {self.source}" if self.wanted else "no version asked for"

    def satisfied_by(self, version: str) -> bool:
        """Whether a full version fits the request."""
        if not self.wanted:
            return True
        if _is_plain(self.wanted):
            return f"{version}.".startswith(f"{self.wanted}.")
        from packaging.specifiers import SpecifierSet

        return SpecifierSet(self.wanted).contains(version)

    def _checked(self) -> VersionRequest:
        if _is_plain(self.wanted):
            return self
        from packaging.specifiers import InvalidSpecifier, SpecifierSet

        try:
            SpecifierSet(self.wanted)
        except InvalidSpecifier:
            raise UserFault(
                f"{self.wanted!r} is not a Python version",
                where=self.source,
                remedy="write a version such as 3.12 or 3.12.4, or a range such as >=3.11,<3.13",
            ) from None
        return self


def _is_plain(text: str) -> bool:
    parts = text.split(".")
    return 1 <= len(parts) <= 3 and all(part.isascii() and part.isdigit() for part in parts)


def _first_line(text: str) -> str:
    """The first line that is neither empty nor a comment."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return next((line for line in lines if line), "")


def _tool_version(text: str) -> str:
    """What asdf and mise would take: the first version after `python`."""
    words = (line.partition("#")[0].split() for line in text.splitlines())
    return next((each[1] for each in words if len(each) > 1 and each[0] == "python"), "")


def _table(document: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        inner = document.get(name, {})
        document = inner if isinstance(inner, dict) else {}
    return document


def _specifier(constraint: str) -> str:
    """A constraint as Poetry writes it, as a specifier: `^3.11` is `>=3.11,<4`.

    Of alternatives (`^3.9 || ^3.12`) the last. What is neither is given back unchanged.
    """
    last = constraint.rpartition("||")[2]
    return ",".join(_clause(clause.strip()) for clause in last.split(","))


def _clause(clause: str) -> str:
    sign, version = clause[:1], clause[1:].strip()
    numbers = version.split(".")
    if sign in ("^", "~") and _is_plain(version):
        # "^3.11" holds the first number, "~3.11" the second, "~3" the first.
        held = 1 if sign == "^" or len(numbers) == 1 else 2
        below = [*numbers[: held - 1], str(int(numbers[held - 1]) + 1)]
        return f">={version},<{'.'.join(below)}"
    if _is_plain(clause.removesuffix(".*")):
        return f"=={clause}"
    return "" if clause == "*" else clause
