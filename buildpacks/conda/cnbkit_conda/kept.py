"""What the lock's layer keeps: a solution, in files that cost nothing to read."""

from __future__ import annotations

import os

__all__ = ["Kept", "variable_lines"]


class Kept:
    """A solution.

    Args:
        directory: of the lock's layer.

    Attributes:
        lock: path of the packages, as rattler writes them (pixi's format).
        packages: a line each: `name version build #sha256`, sorted.
        variables: `NAME=value` of the environment file, escaped to one line each.
        requested: what the user asked for by name, as match specs.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.lock = f"{directory}/pixi.lock"
        self.packages = self.lines("packages")
        self.variables = self.lines("variables")
        self.requested = self.lines("requested")

    @property
    def complete(self) -> bool:
        """Whether there is a solution."""
        return os.path.exists(self.lock) and os.path.exists(f"{self.directory}/packages")

    def version(self, name: str) -> str:
        """The version of a package; empty if it is not among them."""
        return next((line.split()[1] for line in self.packages if line.split()[0] == name), "")

    def lines(self, name: str) -> list[str]:
        """The lines of one of its files; none if there is no such file."""
        try:
            with open(f"{self.directory}/{name}", encoding="utf-8") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def write(self, name: str, lines: list[str]) -> None:
        """Write one of its files."""
        with open(f"{self.directory}/{name}", "w", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))


def variable_lines(variables: list[tuple[str, str]]) -> list[str]:
    """`NAME=value`, escaped to one line each.

    Args:
        variables: names and values.
    """
    return [f"{name}={value}".encode("unicode_escape").decode() for name, value in variables]
