"""What one phase of a build may do in the registry that serves the store."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ANY", "Grant"]

ANY = "*"
"""Stands for every repository."""


@dataclass(frozen=True)
class Grant:
    """Repositories somebody may read, and the one they may change.

    Args:
        reads: repositories, without a registry's host, tag or digest.
        writes: one repository, which may be read too; none if empty.
    """

    reads: frozenset[str] = frozenset()
    writes: str = ""

    def allows(self, repository: str, *, writing: bool) -> bool:
        """Whether a request may be carried out.

        Args:
            repository: the one it is for.
            writing: whether it changes something.
        """
        if self.writes in (repository, ANY):
            return True
        return not writing and (repository in self.reads or ANY in self.reads)
