"""Projects whose version is git's to say: the build has no `.git`, so it is handed on."""

from __future__ import annotations

from cnbkit import BuildContext, UserFault
from cnbkit_python_inputs.requirements import normalised

__all__ = ["SETTING", "git_version", "without_version"]

SETTING = "BP_OCI_VERSION"
# setuptools-scm, by itself or below hatch-vcs.
_ASK_GIT = ("setuptools-scm", "setuptools_scm", "hatch-vcs", "hatch_vcs")
_VARIABLE = "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_"


def git_version(ctx: BuildContext) -> dict[str, str]:
    """The variable with the version of the app's own project, and of no other.

    Empty if git has nothing to do with its version, or no version is known.
    """
    if not ctx.app.has("pyproject.toml"):
        return {}
    text = ctx.app.text("pyproject.toml")
    if not any(each in text for each in _ASK_GIT):
        return {}
    try:
        name = ctx.app.toml("pyproject.toml").get("project", {}).get("name", "")
    except (UserFault, AttributeError):
        return {}  # who resolves says so
    variable = f"{_VARIABLE}{normalised(str(name)).upper().replace('-', '_')}"
    version = ctx.settings.get(variable) or ctx.settings.get(SETTING)
    return {variable: version} if name and version else {}


def without_version(output: str) -> UserFault | None:
    """What a build back end fails with that looks for git's version; None if it is not that."""
    if "unable to detect version for" not in output:
        return None
    return UserFault(
        "the version of a project comes from git, and the build has no .git",
        where="pyproject.toml",
        remedy=f"set {SETTING} to the version, like {SETTING}=1.2.3; for a project besides the app "
        f"{_VARIABLE}<NAME>",
    )
