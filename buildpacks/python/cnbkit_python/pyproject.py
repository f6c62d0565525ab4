"""The app's pyproject.toml: what it declares, by its meaning and not by its spelling."""

from __future__ import annotations

from cnbkit import BuildContext, UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["FILE", "Pyproject", "line_of", "table"]

FILE = "pyproject.toml"


class Pyproject:
    """A pyproject.toml; one that is not there, or has settings of tools alone, is empty.

    Attributes:
        document: its tables.
        fault: why it cannot be read, if so.
    """

    def __init__(self, text: str, document: dict[str, Any], fault: UserFault | None = None) -> None:
        self.text = text
        self.document = document
        self.fault = fault

    @classmethod
    def read(cls, ctx: BuildContext) -> Pyproject:
        """Read the app's."""
        if not ctx.app.has(FILE):
            return cls("", {})
        try:
            text = ctx.app.text(FILE)
            # Parsing takes longer than the rest of this buildpack. Without one of these there is
            # no such table, however it is written: a key may have escapes in it.
            if not any(sign in text for sign in ("project", "poetry", "build", "flit", "\\")):
                return cls(text, {})
            return cls(text, ctx.app.toml(FILE))
        except UserFault as fault:
            return cls("", {}, fault)

    @property
    def poetry(self) -> dict[str, Any]:
        """`[tool.poetry]`."""
        return table(self.document, "tool", "poetry")

    @property
    def project(self) -> dict[str, Any]:
        """`[project]`."""
        return table(self.document, "project")

    def declares(self, ctx: BuildContext) -> bool:
        """Whether it says what to install, by itself or with its setup.py or setup.cfg."""
        if "project" in self.document or self.poetry:
            return True
        if table(self.document, "tool", "flit", "metadata"):
            return True
        built = "build-system" in self.document
        return built and (ctx.app.has("setup.py") or ctx.app.has("setup.cfg"))

    def check_resolvable(self, ctx: BuildContext) -> None:
        """See that what it declares can be resolved without Poetry.

        Raises:
            UserFault: only Poetry knows its dependencies, and there is no lock.
        """
        poetry, project = self.poetry, self.project
        if not poetry:
            return
        declared = {*table(poetry, "dependencies")} - {"python"}
        standard = project.get("name") and "dependencies" not in _list(project.get("dynamic"))
        if standard and not declared and not poetry.get("source"):
            return
        where = f"{FILE}:{line_of(self.text, 'poetry')}"
        if ctx.app.has("poetry.lock"):
            raise UserFault(
                f"{FILE} declares its dependencies for Poetry, and its lock is not to be read",
                where=where,
                remedy="set BP_PYTHON_INPUT to poetry.lock, or unset it",
            )
        raise UserFault(
            f"{FILE} declares its dependencies for Poetry, and there is no poetry.lock",
            where=where,
            remedy="run `poetry lock` and commit poetry.lock",
        )


def table(document: dict[str, Any], *names: str) -> dict[str, Any]:
    """A table in a table; empty if one of them is not there or something else."""
    for name in names:
        inner = document.get(name, {})
        document = inner if isinstance(inner, dict) else {}
    return document


def line_of(text: str, word: str) -> int:
    """The first line with a word that is no comment; 1 if none has it."""
    lines = (line.partition("#")[0] for line in text.splitlines())
    return next((number for number, line in enumerate(lines, 1) if word in line), 1)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
