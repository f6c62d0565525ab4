"""launch.toml, build.toml and store.toml (buildpack.md, same headings)."""

from __future__ import annotations

from cnbkit.spec import names
from cnbkit.spec.model import Model, field
from cnbkit.spec.toml import Document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Build", "Label", "Launch", "Process", "Slice", "Store", "Unmet"]


class Label(Model):
    """A label of the image."""

    key: str
    value: str


class Process(Model, hyphens=True):
    """A process the image can start.

    Attributes:
        type: its name; `web` is what most platforms start.
        command: program and the arguments a user cannot replace. Run without a shell.
        args: default arguments, replaced by those given at `run`.
        default: start this one when none is named. The last buildpack's default wins.
        working_dir: absolute, or relative to the app; the app directory if not given.
        exec_env: execution environments it is meant for; all if empty (API 0.12). The launcher
            does not start it in others.
    """

    type: str = field(check=names.process_type)
    command: list[str]
    args: list[str] = field(default_factory=list)
    default: bool = False
    working_dir: str | None = None
    exec_env: list[str] = field(default_factory=list, read=names.exec_env)

    def runs_in(self, exec_env: str) -> bool:
        """Whether the launcher starts it in that execution environment."""
        return names.runs_in(self.exec_env, exec_env)


class Slice(Model):
    """App files that get an image layer of their own.

    Attributes:
        paths: patterns as Go's `filepath.Match` (no `**`), relative to the app.
    """

    paths: list[str]


class Launch(Document):
    """launch.toml."""

    labels: list[Label] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    slices: list[Slice] = field(default_factory=list)


class Unmet(Model):
    """A plan entry this buildpack leaves to the next provider of that name."""

    name: str


class Build(Document):
    """build.toml."""

    unmet: list[Unmet] = field(default_factory=list)


class Store(Document):
    """store.toml: data a buildpack keeps from build to build, even without a cache."""

    metadata: dict[str, Any] = field(default_factory=dict)
