"""Variables that would put packages where the image does not look for them."""

from __future__ import annotations

from cnbkit import BuildContext, UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["REFUSED", "refuse"]

REFUSED = (
    *("PIP_DRY_RUN", "PIP_PREFIX", "PIP_PYTHON", "PIP_REQUIRE_VIRTUALENV", "PIP_ROOT"),
    *("PIP_TARGET", "PIP_USER"),
    *("PYTHONEXECUTABLE", "PYTHONHOME", "PYTHONINSPECT", "PYTHONPLATLIBDIR"),
    *("PYTHONPYCACHEPREFIX", "PYTHONUSERBASE"),
    *("UV_CACHE_DIR", "UV_LINK_MODE", "UV_MANAGED_PYTHON", "UV_NO_CACHE", "UV_NO_MANAGED_PYTHON"),
    *("UV_PREFIX", "UV_PROJECT", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "UV_PYTHON_DOWNLOADS"),
    *("UV_SYSTEM_PYTHON", "UV_TARGET", "UV_WORKING_DIR", "UV_WORKING_DIRECTORY"),
    "VIRTUAL_ENV",
)
# pip would add it to each of its calls: to every layer.
_ADDED = ("PIP_REQUIREMENT", "PIP_EDITABLE")


def refuse(ctx: BuildContext, names: Collection[str]) -> None:
    """Stop if any of them is set.

    Args:
        ctx: the build.
        names: of all variables there are.

    Raises:
        UserFault: naming all that are.
    """
    for name in _ADDED:
        if name in names and ctx.settings.get(name):
            raise UserFault(
                f"{name} is set, which would be installed into every layer",
                where=name,
                remedy="unset it for the build; name requirements files in BP_PYTHON_INPUT",
            )
    found = [name for name in REFUSED if name in names and ctx.settings.get(name)]
    if not found:
        return
    are = "is set, and it" if len(found) == 1 else "are set, and they"
    raise UserFault(
        f"{', '.join(found)} {are} would keep packages out of the image's layers",
        where=", ".join(found),
        remedy="unset this for the build; to choose the interpreter, use .python-version or "
        "BP_PYTHON_VERSION",
    )
