"""What resolves and installs: uv or pip, behind one interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from cnbkit_logins.address import Login
from cnbkit_python_inputs.interpreter import Interpreter
from cnbkit_python_inputs.package import Package

__all__ = ["Engine", "Wanted"]


class Wanted(Protocol):
    """What the user wrote, where it has to be resolved: `Requirements` or `Project`."""

    @property
    def files(self) -> dict[str, str]:
        """Contents by name."""

    def declared_lines(self) -> list[str]:
        """All that it says, line by line."""

    def arguments(self) -> list[str]:
        """What `pip compile` is to read."""

    def allowed_hashes(self) -> dict[str, set[str]]:
        """Package, or address or path → hashes its lines allow; empty if no line has any."""

    @property
    def all_hashed(self) -> bool:
        """Whether every package has to have a hash."""

    @property
    def as_read(self) -> dict[str, str]:
        """What the engine reads in place of the files, by their names."""

    @property
    def logins(self) -> dict[str, Login]:
        """Address of a git repository → its login; what the engine reads has none."""

    def where(self, name: str) -> str:
        """Where a package is named, for errors."""

    def where_place(self, place: str) -> str:
        """Where an address or a path is named, for errors."""


class Engine(Protocol):
    """Resolves and installs for one interpreter."""

    def lock(self, wanted: Wanted, path: str, renewed: Sequence[str] = ()) -> None:
        """Resolve into a pylock.toml; one that is there keeps its versions where allowed.

        Args:
            wanted: what the user wrote.
            path: of the lock.
            renewed: packages whose versions are not kept.

        Raises:
            UserFault: the requirements are at fault; names file and line.
            PlatformFault: the index cannot be reached, or the disk is full.
        """

    def log_in(self, logins: Mapping[str, Login]) -> None:
        """Hear the logins of git repositories, by address, before anything is resolved."""

    def complete(
        self, document: dict[str, Any], where: str, wanted: Wanted | None = None
    ) -> dict[str, Any]:
        """The lock with something to install from in every entry.

        Args:
            document: a pylock.toml; entries may lack addresses of their files.
            where: what errors call it.
            wanted: what it was resolved from, for errors to name the line.

        Raises:
            UserFault: the index does not have what the lock names.
            PlatformFault: the index cannot be reached.
        """

    def install_for(self, python: Interpreter) -> None:
        """Hear which interpreter programs begin with: that of the image's environment."""

    def choose(self, packages: Sequence[Package]) -> None:
        """Hear what all packages of the image are, before the first is installed."""

    def install(self, packages: list[Package], prefix: str) -> None:
        """Install exactly these, without what they depend on, into a folder of a layer.

        Raises:
            UserFault: a package cannot be built.
            PlatformFault: the index cannot be reached, or the disk is full.
        """

    def install_folder(self, directory: str, prefix: str, *, editable: bool) -> None:
        """Install a project that lies in a folder, without what it depends on.

        Raises:
            UserFault: it cannot be built.
            PlatformFault: as `install`.
        """
