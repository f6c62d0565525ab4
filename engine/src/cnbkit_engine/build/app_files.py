"""Which files of an app go into a build.

What project.toml says counts (`include` or `exclude`), as pack reads it; where it says nothing,
what .dockerignore leaves out, without which the project can be installed. Version control, caches
and virtual environments never are part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.errors import UserFault
from cnbkit_engine.build.dockerignore import DockerIgnore
from cnbkit_engine.build.ignore_rules import IgnoreRules
from cnbkit_engine.build.named_files import PYPROJECT, named_files
from cnbkit_engine.state.beneath import Folder, Unfit

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.spec.project import Project

__all__ = ["PROJECT", "AppFiles"]

PROJECT = "project.toml"
_DOCKER = ".dockerignore"
_NEVER = {".git", ".hg", ".svn", "__pycache__", ".venv", ".mypy_cache", ".pytest_cache"}
_LIMIT = 1 << 20
_ADDRESS = ("https:", "http:", "ssh:", "git:", "git@")  # how a part of a path begins then


class AppFiles:
    """The choice of files, read from the app's own.

    Args:
        app: its folder.

    Attributes:
        notes: what has no effect in it.
        source: what says which files are left out: project.toml or .dockerignore; may be empty.
        kept: files that .dockerignore leaves out and pyproject.toml names: they go in.
        texts: contents of those of the two that were read, by their names.

    Raises:
        UserFault: there is no such folder, or one of the two cannot be read.
        InvalidDocument: project.toml is wrong.
    """

    def __init__(self, app: Path) -> None:
        if not app.is_dir():
            raise _no_folder(app)
        self._project: Project | None = None
        self.notes: list[str] = []
        self.source = ""
        self.texts: dict[str, str] = {}
        self.kept: frozenset[str] = frozenset()
        self._exclude: IgnoreRules | DockerIgnore | None = None
        self._include: IgnoreRules | None = None
        with Folder(app.resolve()) as folder:
            text = _read(folder, PROJECT)
            if text is not None:
                self.texts[PROJECT] = text.decode("utf-8", errors="surrogateescape")
                from cnbkit_engine.spec.project import read_project  # most apps have none

                found, notes = read_project(text, name=PROJECT, where=str(app / PROJECT))
                self._project = found
                self.notes = notes
            build = self._project and self._project.io.buildpacks
            if build and build.exclude:
                self.source, self._exclude = PROJECT, IgnoreRules(build.exclude)
            elif build and build.include:
                self.source, self._include = PROJECT, IgnoreRules(build.include)
            else:
                text = _read(folder, _DOCKER)
                if text is not None:
                    self.source = _DOCKER
                    self.texts[_DOCKER] = text.decode("utf-8", errors="surrogateescape")
                    self._exclude = DockerIgnore(text.decode("utf-8", errors="replace"))
                    # Written for Docker's build, which may not install the project itself.
                    self.kept = _named(folder, self._exclude)

    @property
    def has_project(self) -> bool:
        """Whether there is a project.toml."""
        return PROJECT in self.texts

    @property
    def project(self) -> Project:
        """project.toml; an empty one if there is none."""
        if self._project is None:
            from cnbkit_engine.spec.project import Project

            self._project = Project()
        return self._project

    @property
    def variables(self) -> dict[str, str]:
        """Variables for the build, from project.toml.

        Raises:
            UserFault: a name that none can have.
        """
        if self._project is None:
            return {}
        found = self._project.io.buildpacks.variables
        # Each becomes a file of the platform directory.
        wrong = [name for name in found if "/" in name or "\0" in name or name in ("", ".", "..")]
        if wrong:
            raise UserFault(
                f"{PROJECT}: {wrong[0]!r} is not the name of a variable",
                where=PROJECT,
                remedy="correct it below [[io.buildpacks.build.env]]",
            )
        return found

    def never(self, name: str) -> bool:
        """Whether nothing of that name is ever part of an app."""
        return name in _NEVER

    def chosen(self, path: str) -> bool:
        """Whether a file or folder is wanted; files below a folder that is not may be.

        Args:
            path: relative to the app.
        """
        if self._include is not None:
            return self._include.match(path)
        return self._exclude is None or path in self.kept or not self._exclude.match(path)


def _named(folder: Folder, ignored: DockerIgnore) -> frozenset[str]:
    text = None if ignored.match(PYPROJECT) else _read(folder, PYPROJECT)
    found = named_files(text.decode("utf-8", errors="replace")) if text else ()
    return frozenset(name for name in found if ignored.match(name) and folder.is_file(name))


def _no_folder(app: Path) -> UserFault:
    if app.exists():
        return UserFault(
            f"{app} is a file, not a folder",
            where="PATH",
            remedy=f"name the app's folder: {app.parent}",
        )
    if any(part.startswith(_ADDRESS) for part in app.parts):
        # Not shown: an address may have a login.
        return UserFault(
            "an app is a folder of this machine, not an address",
            where="PATH",
            remedy="run `git clone` with it, and name the folder that this makes",
        )
    return UserFault("there is no such folder", where=str(app), remedy="name the app's folder")


def _read(folder: Folder, name: str) -> bytes | None:
    if not folder.is_file(name):
        return None
    try:
        return folder.read(name, _LIMIT)
    except (OSError, Unfit) as error:
        reason = error.what if isinstance(error, Unfit) else error.strerror
        raise UserFault(
            f"cannot read {name}: {reason}", where=name, remedy="make it readable, or remove it"
        ) from None
