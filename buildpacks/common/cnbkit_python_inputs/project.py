"""The app as a Python project: pyproject.toml, setup.py, setup.cfg."""

from __future__ import annotations

from cnbkit import BuildContext, UserFault
from cnbkit_python_inputs.package import Package
from cnbkit_python_inputs.requirements import normalised
from cnbkit_python_inputs.tree import local_digests, project_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cnbkit_logins.address import Login

__all__ = ["Project", "own_package"]


class Project:
    """A project without a lock: what it declares is resolved.

    Attributes:
        name: of the file that declares it: pyproject.toml or setup.py.
        extras: to be installed with it.
        groups: dependency groups (PEP 735) as well.
        editable: whether its code stays where it is.
    """

    def __init__(
        self,
        ctx: BuildContext,
        name: str,
        extras: tuple[str, ...],
        groups: tuple[str, ...],
        *,
        editable: bool,
    ) -> None:
        self.editable = editable
        self._root = ctx.app.root
        self.name = name
        self.extras = extras
        self.groups = groups
        self.files = {each: ctx.app.text(each) for each in project_files(ctx.app.root)}

    @classmethod
    def read(
        cls,
        ctx: BuildContext,
        name: str,
        extras: tuple[str, ...],
        groups: tuple[str, ...],
        *,
        where_exist: tuple[str, ...] = (),
        editable: bool = True,
    ) -> Project:
        """Read what declares the project.

        Args:
            ctx: the build.
            name: pyproject.toml or setup.py.
            extras: of the project.
            groups: dependency groups.
            where_exist: groups to add if the project has them.
            editable: whether its code stays where it is.

        Raises:
            UserFault: an extra or group does not exist, or a file cannot be read.
        """
        if groups or extras or where_exist:
            document = ctx.app.toml(name) if name == "pyproject.toml" else {}
            known = [str(group) for group in document.get("dependency-groups", {})]
            spelt = {normalised(group): group for group in known}
            unknown = [group for group in groups if normalised(group) not in spelt]
            if unknown:
                has = f"it has {', '.join(known)}" if known else "it has none"
                raise UserFault(
                    f"{name} has no dependency group {', '.join(unknown)}",
                    where="BP_PYTHON_GROUPS",
                    remedy=f"correct BP_PYTHON_GROUPS ({has})",
                )
            project = document.get("project", {})
            declared = project.get("optional-dependencies", {})
            dynamic = "optional-dependencies" in project.get("dynamic", []) or not project
            there = {normalised(extra) for extra in declared}
            missing = [extra for extra in extras if normalised(extra) not in there]
            if missing and not dynamic:
                has = f"it has {', '.join(declared)}" if declared else "it has none"
                raise UserFault(
                    f"{name} has no extra {', '.join(missing)}",
                    where="BP_PYTHON_EXTRAS",
                    remedy=f"correct BP_PYTHON_EXTRAS ({has})",
                )
            groups = (*groups, *(each for each in where_exist if each in spelt))
            groups = tuple(dict.fromkeys(spelt[normalised(group)] for group in groups))
        return cls(ctx, name, extras, groups, editable=editable)

    def __str__(self) -> str:
        more = [f"extra {each}" for each in self.extras] + [f"group {each}" for each in self.groups]
        return f"{self.name} ({', '.join(more)})" if more else self.name

    def digests(self) -> list[str]:
        """`name #sha256…` of everything read, for the layer's key."""
        chosen = ",".join([*self.extras, "", *self.groups])
        found = local_digests(self._root, self._root, editable=self.editable)
        own = found.pop(".")
        others = [f"{name} #{digest[:24]}" for name, digest in found.items()]
        return [f"{self.name} #{own[:24]}{chosen}", *others]

    def allowed_hashes(self) -> dict[str, set[str]]:
        """None: a project names no files."""
        return {}

    @property
    def is_static(self) -> bool:
        """Whether what it needs can be read without running its build back end."""
        import tomllib

        try:
            document = tomllib.loads(self.files.get("pyproject.toml", ""))
        except tomllib.TOMLDecodeError:
            return True  # who resolves says so
        table = document.get("project", {})
        return bool(table) and not table.get("dynamic")

    @property
    def all_hashed(self) -> bool:
        """Never: a project has no hashes."""
        return False

    @property
    def as_read(self) -> dict[str, str]:
        """The files themselves."""
        return self.files

    @property
    def logins(self) -> dict[str, Login]:
        """None: the engine reads the project itself."""
        return {}

    def where_place(self, place: str) -> str:
        """The line that names an address or a path; the file if none does."""
        return self.where(place)

    def where(self, name: str) -> str:
        """`file:line` of the first line that names a package; the file if none does."""
        wanted = normalised(name)
        for file, text in self.files.items():
            for number, line in enumerate(text.splitlines(), 1):
                words = line.replace("'", '"').split('"')
                starts = (normalised(_leading_name(word)) for word in [line.strip(), *words])
                if wanted and wanted in starts:
                    return f"{file}:{number}"
        return self.name

    def declared_lines(self) -> list[str]:
        """The lines of all files."""
        return [line.strip() for text in self.files.values() for line in text.splitlines()]

    def arguments(self) -> list[str]:
        """What `pip compile` is to read."""
        options = [self.name]
        for extra in self.extras:
            options += ["--extra", extra]
        for group in self.groups:
            options += ["--group", group]
        return options


def own_package(ctx: BuildContext, *, editable: bool) -> Package | None:
    """The app itself, if it is a package to install; None if it is only code.

    It is one where it says how it is built, and nothing says that it is not to be.
    """
    if not ctx.app.has("pyproject.toml"):
        return _package(ctx, "", editable) if ctx.app.has("setup.py") else None
    document = ctx.app.toml("pyproject.toml")
    tools: dict[str, Any] = document.get("tool", {})
    refused = (
        tools.get("poetry", {}).get("package-mode") is False
        or tools.get("uv", {}).get("package") is False
        or tools.get("pdm", {}).get("distribution") is False
    )
    declared = "build-system" in document or tools.get("uv", {}).get("package") is True
    if refused or not (declared or ctx.app.has("setup.py")):
        return None
    name = document.get("project", {}).get("name") or tools.get("poetry", {}).get("name")
    return _package(ctx, str(name or ""), editable)


def _package(ctx: BuildContext, name: str, editable: bool) -> Package:
    directory = {"path": ctx.app.root, "editable": editable}
    # A setup.py has to be run to know its name.
    return Package({"name": name or "app", "directory": directory})


def _leading_name(text: str) -> str:
    end = 0
    while end < len(text) and (text[end].isalnum() or text[end] in "-_."):
        end += 1
    return text[:end]
