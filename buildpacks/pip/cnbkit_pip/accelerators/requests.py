"""What later buildpacks ask for through the build plan; read only where somebody does."""

from __future__ import annotations

from cnbkit import BuildContext, PackageRequest

__all__ = ["SITE_PACKAGES", "requested"]

SITE_PACKAGES = "site-packages"
_PYTORCH = "https://download.pytorch.org/whl"


def requested(ctx: BuildContext, mirror: str) -> PackageRequest | None:
    """All requests as one; None if nobody asks for anything.

    Args:
        ctx: the build.
        mirror: of PyTorch's site; empty for the site itself.

    Raises:
        UserFault: one of the requirers cannot be served, or two of them exclude each other.
        BuildpackFault: a request does not fit.
    """
    found = None
    for request in ctx.package_requests(SITE_PACKAGES):
        found = found.joined(request) if found else request
    if found is None or not mirror:
        return found
    return found.replace(
        frameworks=[
            each.replace(site=mirror) if each.site == _PYTORCH else each
            for each in found.frameworks
        ]
    )
