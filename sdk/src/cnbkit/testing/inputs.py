"""What a build in a test is given."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit.spec.build_plan import Entry
from cnbkit.spec.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from cnbkit.testing.commands import Reply

    Files: TypeAlias = "Mapping[str, str | bytes | None]"

__all__ = ["AppFiles", "Inputs", "write_files"]


@dataclass(frozen=True)
class AppFiles:
    """The app's files: those of a folder, with changes; None as contents removes one."""

    folder: Path | None = None
    changes: Files = field(default_factory=dict)

    @classmethod
    def of(cls, app: Files | Path | str) -> AppFiles:
        """From a folder, or from names and contents."""
        return cls(Path(app)) if isinstance(app, str | Path) else cls(changes=dict(app))

    def changed(self, app: Files | Path | str | None) -> AppFiles:
        """With further changes; a folder replaces all."""
        if app is None:
            return self
        if isinstance(app, str | Path):
            return AppFiles(Path(app))
        return AppFiles(self.folder, {**self.changes, **app})

    def write(self, target: Path) -> None:
        """Make the app at a path where nothing is yet."""
        if self.folder is None:
            target.mkdir(parents=True)
        else:
            shutil.copytree(self.folder, target, symlinks=True)
        write_files(target, self.changes)


@dataclass(frozen=True)
class Inputs:
    """What a build is given; the arguments of `buildpack_run`.

    Args:
        app: the app's files.
        env: variables the user set, BP_* for instance; files in `<platform>/env`.
        bindings: service bindings: name → entry → contents.
        target: what is built for.
        plan: what other buildpacks require of this one; None for what it requires of itself.
        exec_env: the execution environment (CNB_EXEC_ENV).
        commands: fake commands.
    """

    app: AppFiles = field(default_factory=AppFiles)
    env: Mapping[str, str] = field(default_factory=dict)
    bindings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    target: Target = field(default_factory=Target)
    plan: Sequence[str | Entry] | None = None
    exec_env: str = "production"
    commands: Mapping[str, Reply] = field(default_factory=dict)

    def entries(self) -> list[Entry] | None:
        """The plan's entries."""
        if self.plan is None:
            return None
        return [Entry(name=each) if isinstance(each, str) else each for each in self.plan]


def write_files(root: Path, files: Files) -> None:
    """Write files, by name relative to a folder; None removes one."""
    for name, content in files.items():
        path = root / name
        if content is None:
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
