"""Frameworks whose modules are imported only where an app declares their package.

Detect asks for what starts, and few apps have one of these.
"""

from __future__ import annotations

from cnbkit_start.frameworks.seen import Seen
from cnbkit_start.process import Found

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from cnbkit_start.declared import Declared

    Framework: TypeAlias = Callable[[Seen], Found | None]

__all__ = ["agents", "django", "own_servers"]


def django(packages: Declared) -> Iterator[Framework]:
    """A project of Django."""
    if packages.has("django"):
        from cnbkit_start.frameworks.django import django as framework

        yield framework


def own_servers(packages: Declared, *names: str) -> Iterator[Framework]:
    """Those of the named frameworks with a server of their own that are among the packages."""
    declared = [name for name in names if packages.has(name)]
    if declared:
        from cnbkit_start.frameworks import own_servers as module

        yield from (getattr(module, name) for name in declared)


def agents(packages: Declared) -> Iterator[Framework]:
    """What serves agents, if Google's kit for them is among the packages."""
    if packages.has("google-adk"):
        from cnbkit_start.frameworks.agents import adk

        yield adk
