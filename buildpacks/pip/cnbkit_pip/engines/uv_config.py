"""The app's settings of uv without the version of uv that its authors work with."""

from __future__ import annotations

from cnbkit import BuildContext
from cnbkit_python_inputs.uv_settings import uv_settings

__all__ = ["config_for_this_uv"]

_VERSION = "required-version"
# Of a project, and refused in a file of settings; uv reads them where the project is.
_OF_PROJECTS = (
    *("build-backend", "conflicts", "default-groups", "dependency-groups", "dev-dependencies"),
    *("managed", "package", "sources", "workspace"),
)


def config_for_this_uv(ctx: BuildContext) -> str:
    """A file of settings for uv; empty where it may read the app's own.

    `required-version` is about the developers' uv. The buildpack brings its own, which would
    refuse to do anything.
    """
    settings = uv_settings(ctx)
    if _VERSION not in settings:
        return ""
    import tomli_w

    left_out = (_VERSION, *_OF_PROJECTS)
    path = f"{ctx.scratch}/uv.toml"
    with open(path, "wb") as file:
        tomli_w.dump({key: value for key, value in settings.items() if key not in left_out}, file)
    return path
