"""Dependencies put into a buildpack's package, so that it builds without a network.

Those that its descriptor lists for the package's architecture (`cnbkit.dependencies`).
"""

from __future__ import annotations

from cnbkit.bindings.bindings import Bindings
from cnbkit.dependencies import dependencies_in
from cnbkit.download import Downloads
from cnbkit.log import Log
from cnbkit.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cnbkit.dependency import Dependency
    from cnbkit_engine.buildpack.source import BuildpackSource

__all__ = ["bundle"]


def bundle(
    source: BuildpackSource, out: Path, env: Mapping[str, str], *, arch: str = ""
) -> list[Dependency]:
    """Fetch what the descriptor lists into the assembled buildpack at `out`.

    Args:
        source: the buildpack.
        out: where `assemble` wrote it; `dependencies/` goes there.
        env: BP_DEPENDENCY_MIRROR is heeded.
        arch: what the package is for; what is for others stays out. All if not given.

    Raises:
        BuildpackFault: the list is wrong.
        PlatformFault: something cannot be fetched.
    """
    settings = Settings(env, "")
    folder = out / "dependencies"
    downloads = Downloads(str(folder), str(folder), settings, Bindings(settings, ""), Log())
    listed = dependencies_in(source.descriptor.metadata, str(source.directory))
    found = [each.dependency() for each in listed if not arch or each.fits("linux", arch)]
    for each in found:
        downloads.fetch(each)
    return found
