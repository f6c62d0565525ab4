"""project.toml (the specification's project descriptor extension, 0.1 to 0.3)."""

from __future__ import annotations

from cnbkit.errors import InvalidDocument
from cnbkit.spec import names
from cnbkit.spec.buildpack import License
from cnbkit.spec.model import Model, field
from cnbkit.spec.toml import Document, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "About",
    "BuildTable",
    "Buildpacks",
    "Io",
    "Project",
    "ProjectBuildpack",
    "ProjectGroup",
    "ProjectVariable",
    "Script",
    "read_project",
]

_VERSIONS = ("0.1", "0.2", "0.3")


def _schema(value: str) -> str:
    if value not in _VERSIONS:
        raise ValueError(f"schema-version {value!r} is not one of {', '.join(_VERSIONS)}")
    return value


class About(Model, hyphens=True):
    """The `[_]` table: what the project is."""

    schema_version: str = field(default="0.1", check=_schema)
    id: str | None = None
    name: str | None = None
    version: str | None = None
    authors: list[str] = field(default_factory=list)
    documentation_url: str | None = None
    source_url: str | None = None
    licenses: list[License] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)


class Script(Model):
    """A buildpack written right into project.toml."""

    api: str
    inline: str
    shell: str | None = None


class ProjectBuildpack(Model, hyphens=True):
    """A buildpack the project asks for."""

    id: str | None = None
    version: str | None = None
    uri: str | None = None
    script: Script | None = None
    exec_env: list[str] = field(default_factory=list, read=names.exec_env)

    def validate_whole(self) -> None:
        """As pack checks it."""
        if self.uri and self.version:
            raise ValueError("uri and version exclude each other")
        if not self.id and not self.uri:
            raise ValueError("id or uri is required")


class ProjectGroup(Model):
    """Buildpacks before or after all others."""

    group: list[ProjectBuildpack] = field(default_factory=list)


class ProjectVariable(Model, hyphens=True):
    """A variable for the build."""

    name: str
    value: str
    exec_env: list[str] = field(default_factory=list, read=names.exec_env)


class BuildTable(Model):
    """The `[io.buildpacks.build]` table."""

    env: list[ProjectVariable] = field(default_factory=list)


class _OldEnv(Model):
    """The `[io.buildpacks.env]` table of early 0.2 files."""

    build: list[ProjectVariable] = field(default_factory=list)


class Buildpacks(Model):
    """The `[io.buildpacks]` table."""

    builder: str | None = None
    include: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)
    group: list[ProjectBuildpack] = field(default_factory=list)
    pre: ProjectGroup | None = None
    post: ProjectGroup | None = None
    build: BuildTable | None = None
    env: _OldEnv | None = None

    def validate_whole(self) -> None:
        """Files are either taken or left out."""
        if self.include and self.exclude:
            raise ValueError("include and exclude exclude each other")

    @property
    def variables(self) -> dict[str, str]:
        """Variables for the build; those of the early form only where there are no others."""
        old = self.env.build if self.env else []
        new = self.build.env if self.build else []
        return {each.name: each.value for each in new or old}


class Io(Model, extra="ignore"):
    """The `[io]` table."""

    buildpacks: Buildpacks = field(default_factory=Buildpacks)


class Project(Document, extra="ignore"):
    """project.toml in the form of 0.2 and 0.3; tables of other tools pass."""

    about: About = field(default_factory=About, toml="_")
    io: Io = field(default_factory=Io)


class _OldBuild(Model):
    builder: str | None = None
    include: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)
    buildpacks: list[ProjectBuildpack] = field(default_factory=list)
    env: list[ProjectVariable] = field(default_factory=list)


class _OldProject(Document, extra="ignore"):
    """project.toml as in 0.1."""

    project: About = field(default_factory=About)
    build: _OldBuild = field(default_factory=_OldBuild)
    metadata: dict[str, Any] = field(default_factory=dict)

    def renewed(self) -> Project:
        """The same in the form of 0.2."""
        old = self.build
        return Project(
            about=self.project.replace(metadata=self.metadata),
            io=Io(
                buildpacks=Buildpacks(
                    builder=old.builder,
                    include=old.include,
                    exclude=old.exclude,
                    group=old.buildpacks,
                    build=BuildTable(env=old.env) if old.env else None,
                )
            ),
        )


def read_project(
    text: str | bytes, *, name: str = "project.toml", where: str | None = None
) -> tuple[Project, list[str]]:
    """Read a project.toml of any version.

    Returns:
        The project, and a line for each thing that has no effect: like pack, this warns of
        unknown keys and does not refuse them.

    Raises:
        InvalidDocument: with every fault found.
    """
    data = decode(text, name=name, where=where)
    about = data.get("_")
    notes = []
    old = about is None or (
        isinstance(about, dict) and about.get("schema-version") in (None, "0.1")
    )
    if old and "io" in data:
        # As pack: a file without a version is one of 0.1, which has no such table.
        notes.append('[io.buildpacks] is not read: write `schema-version = "0.2"` below [_]')
    cls: type[Document] = _OldProject if old else Project
    try:
        found = cls.loads(text, name=name, where=where)
    except InvalidDocument as invalid:
        if any(not fault.unknown for fault in invalid.faults):
            raise
        notes += [str(fault) for fault in invalid.faults]
        for fault in invalid.faults:
            _remove(data, fault.path)
        found = cls.parse(data, name=name, where=where)
    if isinstance(found, _OldProject):
        found = found.renewed()
    assert isinstance(found, Project)
    return found, notes


def _remove(data: Any, path: tuple[str | int, ...]) -> None:
    for step in path[:-1]:
        data = data[step]
    del data[path[-1]]
