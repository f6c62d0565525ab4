"""What uv.lock says about the project: its members, groups and extras."""

from __future__ import annotations

import tomllib
from typing import Any

from cnbkit import BuildContext
from cnbkit_lock_front_end.faults import no_lock

__all__ = ["Lock"]


class Lock:
    """A uv.lock.

    Args:
        document: its contents.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        packages = document.get("package", [])
        self._packages = {
            str(each.get("name")): each for each in packages if isinstance(each, dict)
        }
        self._manifest = document.get("manifest", {})

    @classmethod
    def read(cls, ctx: BuildContext) -> Lock:
        """Read the app's.

        Raises:
            UserFault: it is not TOML, as after a merge with conflicts.
        """
        try:
            return cls(tomllib.loads(ctx.app.text("uv.lock")))
        except (ValueError, RecursionError) as error:  # huge numbers, deep nesting
            raise no_lock(ctx, "uv.lock", "TOML", error, "uv lock") from None

    @property
    def members(self) -> list[str]:
        """Names of the workspace's packages; only the project's own without a workspace."""
        named = self._manifest.get("members", [])
        return sorted(named) if named else [name for name in self._packages if self._is_root(name)]

    def groups(self, member: str) -> list[str]:
        """Names of the dependency groups that can be asked for."""
        found = {*self._manifest.get("dependency-groups", {})}
        for package in self._of(member):
            found |= {*package.get("metadata", {}).get("requires-dev", {})}
            found |= {*package.get("dev-dependencies", {})}
        return sorted(found)

    def extras(self, member: str) -> list[str]:
        """Names of the extras that can be asked for."""
        found: set[str] = set()
        for package in self._of(member):
            found |= {*package.get("metadata", {}).get("provides-extras", [])}
            found |= {*package.get("optional-dependencies", {})}
        return sorted(found)

    def _of(self, member: str) -> list[dict[str, Any]]:
        """The member's package; without one the root's, or all where the root is not a package."""
        roots = [name for name in self.members if self._is_root(name)]
        names = [member] if member else roots or self.members
        return [self._packages[name] for name in names if name in self._packages]

    def _is_root(self, name: str) -> bool:
        source = self._packages.get(name, {}).get("source", {})
        return "." in (source.get("editable"), source.get("virtual"), source.get("directory"))
