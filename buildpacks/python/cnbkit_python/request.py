"""Which Python the app asks for, and where it says so."""

from __future__ import annotations

from cnbkit import BuildContext, UserFault

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
    def read(cls, ctx: BuildContext) -> VersionRequest:
        """Look in the settings, then in the app's files.

        Raises:
            UserFault: what stands there is no version.
        """
        setting = ctx.settings.get("BP_PYTHON_VERSION")
        if setting:
            return cls(setting, "BP_PYTHON_VERSION")._checked()
        if ctx.app.has(".python-version"):
            return cls(_first_line(ctx.app.text(".python-version")), ".python-version")._checked()
        if ctx.app.has("runtime.txt"):
            line = _first_line(ctx.app.text("runtime.txt")).removeprefix("python-")
            return cls(line, "runtime.txt")._checked()
        # The word is looked for first: parsing TOML takes longer than the rest of the build.
        if ctx.app.has("pyproject.toml") and "requires-python" in ctx.app.text("pyproject.toml"):
            project = ctx.app.toml("pyproject.toml").get("project", {})
            wanted = str(project.get("requires-python", ""))
            if wanted:
                return cls(wanted, "requires-python in pyproject.toml")._checked()
        return cls("", "")

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
