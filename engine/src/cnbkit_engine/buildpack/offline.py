"""Dependencies put into a buildpack's package, so that it builds without a network.

Those a buildpack lists in its descriptor:

    [[metadata.dependencies]]
    uri = "https://…/tool-1.2.3.tar.gz"
    sha256 = "…"
    name = "tool.tar.gz"          # optional; the address's last part otherwise
    mirrors = ["https://…"]       # optional
"""

from __future__ import annotations

from typing import Any

from cnbkit.bindings.bindings import Bindings
from cnbkit.download import Dependency, Downloads
from cnbkit.errors import BuildpackFault
from cnbkit.log import Log
from cnbkit.settings import Settings
from cnbkit.spec.model import InvalidDocument, Model, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cnbkit_engine.buildpack.source import BuildpackSource

__all__ = ["bundle", "dependencies"]


class _Entry(Model, extra="ignore"):
    uri: str
    sha256: str
    name: str = ""
    mirrors: list[str] = field(default_factory=list)


class _Listed(Model, extra="ignore"):
    dependencies: list[_Entry] = field(default_factory=list)


def dependencies(source: BuildpackSource) -> list[Dependency]:
    """What the descriptor lists.

    Raises:
        BuildpackFault: the list is not as it should be; every fault at once.
    """
    metadata: dict[str, Any] = source.descriptor.metadata
    try:
        listed = _Listed.parse(metadata, name="[metadata]", where=str(source.directory))
    except InvalidDocument as invalid:
        raise BuildpackFault(
            "[[metadata.dependencies]] is not as it should be",
            where=str(source.directory),
            remedy="give each uri and sha256",
            detail="\n".join(str(fault) for fault in invalid.faults),
        ) from None
    return [
        Dependency(each.uri, each.sha256, name=each.name, mirrors=each.mirrors)
        for each in listed.dependencies
    ]


def bundle(source: BuildpackSource, out: Path, env: Mapping[str, str]) -> list[Dependency]:
    """Fetch what the descriptor lists into the assembled buildpack at `out`.

    Args:
        source: the buildpack.
        out: where `assemble` wrote it; `dependencies/` goes there.
        env: BP_DEPENDENCY_MIRROR is heeded.

    Raises:
        BuildpackFault: the list is wrong.
        PlatformFault: something cannot be fetched.
    """
    settings = Settings(env, "")
    folder = out / "dependencies"
    downloads = Downloads(str(folder), str(folder), settings, Bindings(settings, ""), Log())
    found = dependencies(source)
    for each in found:
        downloads.fetch(each)
    return found
