"""builder.toml (pack's format; no specification of its own)."""

from __future__ import annotations

from cnbkit.spec import names
from cnbkit.spec.buildpack import TargetEntry
from cnbkit.spec.model import Model, field
from cnbkit.spec.toml import Document

__all__ = [
    "BuildConfig",
    "BuilderBuildpack",
    "BuilderDescriptor",
    "BuilderEntry",
    "BuilderOrder",
    "BuilderStack",
    "EnvSetting",
    "LifecycleSource",
    "RunConfig",
    "RunImage",
    "System",
    "SystemBuildpacks",
]

_SUFFIXES = ("append", "default", "override", "prepend")


class BuilderBuildpack(Model):
    """A buildpack or extension of the builder.

    Attributes:
        uri: its folder, relative to builder.toml, or another locator pack knows.
        image: its package in a registry, instead of `uri`.
        id, version: checked against its own if given.
    """

    uri: str = field(default_factory=str)
    image: str = field(default_factory=str)
    id: str | None = None
    version: str | None = None

    def validate_whole(self) -> None:
        """It comes from one place."""
        if bool(self.uri) == bool(self.image):
            raise ValueError("give either uri or image")


class BuilderEntry(Model, hyphens=True):
    """A buildpack in a group; the version may be left out if the builder has just one."""

    id: str = field(check=names.buildpack_id)
    version: str = field(default_factory=str)
    optional: bool = False
    exec_env: list[str] = field(default_factory=list, read=names.exec_env)


class BuilderOrder(Model):
    """One `[[order]]`: a group to try."""

    group: list[BuilderEntry]


class SystemBuildpacks(Model):
    """Buildpacks that run before or after every group."""

    buildpacks: list[BuilderEntry] = field(default_factory=list)


class System(Model):
    """The `[system]` table."""

    pre: SystemBuildpacks = field(default_factory=SystemBuildpacks)
    post: SystemBuildpacks = field(default_factory=SystemBuildpacks)


def _suffix(value: str) -> str:
    if value not in ("", *_SUFFIXES):
        raise ValueError(f"{value!r} is not one of {', '.join(_SUFFIXES)}")
    return value


class EnvSetting(Model, hyphens=True):
    """One `[[build.env]]`: a variable for all buildpacks, whatever the app's owner sets."""

    name: str
    value: str
    suffix: str = field(default_factory=str, check=_suffix)
    delim: str = field(default_factory=str)
    exec_env: list[str] = field(default_factory=list, read=names.exec_env)

    def validate_whole(self) -> None:
        """A delimiter stands between two values."""
        if self.suffix in ("append", "prepend") and not self.delim:
            raise ValueError(f"{self.suffix} needs delim, what stands between two values")


class BuildConfig(Model):
    """The `[build]` table.

    Attributes:
        image: the build image.
    """

    image: str | None = None
    env: list[EnvSetting] = field(default_factory=list)


class RunImage(Model):
    """A run image and where else it is found."""

    image: str
    mirrors: list[str] = field(default_factory=list)


class RunConfig(Model):
    """The `[run]` table."""

    images: list[RunImage] = field(default_factory=list)


class LifecycleSource(Model):
    """The `[lifecycle]` table."""

    uri: str | None = None
    version: str | None = None

    def validate_whole(self) -> None:
        """It comes from one place."""
        if self.uri and self.version:
            raise ValueError("give either uri or version")


class BuilderStack(Model, hyphens=True):
    """The `[stack]` table, which `[build]` and `[run]` replaced."""

    id: str
    build_image: str | None = None
    run_image: str | None = None
    run_image_mirrors: list[str] = field(default_factory=list)


class BuilderDescriptor(Document):
    """builder.toml. Unknown keys are errors, as they are to pack."""

    description: str = ""
    buildpacks: list[BuilderBuildpack]
    extensions: list[BuilderBuildpack] = field(default_factory=list)
    order: list[BuilderOrder] = field(default_factory=list)
    order_extensions: list[BuilderOrder] = field(default_factory=list)
    system: System | None = None
    build: BuildConfig | None = None
    run: RunConfig | None = None
    targets: list[TargetEntry] = field(default_factory=list)
    lifecycle: LifecycleSource | None = None
    stack: BuilderStack | None = None
