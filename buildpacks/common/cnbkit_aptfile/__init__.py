"""Debian packages that an app declares: for the buildpack `apt` and the extension `apt-image`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import App
    from cnbkit_aptfile.inputs import Inputs

__all__ = ["INSTALLED", "identity"]

INSTALLED = "/usr/share/cnbkit/apt-image/installed"
"""In a build image that the extension has changed: the identity of what it has installed."""


def identity(inputs: Inputs, app: App) -> str:
    """A digest of all that is declared, by which the extension and the buildpack agree."""
    import hashlib

    return hashlib.sha256("\n".join(inputs.digests(app)).encode()).hexdigest()
