"""What of a project's groups and extras this image asks for."""

from __future__ import annotations

from cnbkit import PythonBuild, UserFault
from cnbkit_locked.selected import Selection
from cnbkit_start.strangers import has_strangers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, DetectContext

    Context = BuildContext | DetectContext

__all__ = ["asked_extras", "asked_groups", "selection"]


def selection(ctx: Context) -> Selection | None:
    """What is asked for of a lock; None if that is known only later."""
    if ctx.settings.get("BP_PROCESS_GROUPS") or has_strangers(ctx):
        return None
    groups = asked_groups(ctx)
    for file in ("project.toml", "pyproject.toml"):
        data = ctx.app.bytes(file) if ctx.app.has(file) else b""
        if b"process-groups" in data:
            return None
        if b"default-groups" in data:
            try:
                tool = ctx.app.toml(file).get("tool")
            except UserFault:  # for the buildpack that installs to tell
                return None
            uv = tool.get("uv") if isinstance(tool, dict) else None
            defaults = uv.get("default-groups", []) if isinstance(uv, dict) else []
            if not isinstance(defaults, list):
                return None
            groups += [each for each in map(str, defaults) if each != "dev"]
    return Selection(groups, asked_extras(ctx), ctx.settings.get("BP_UV_PACKAGE"))


def asked_groups(ctx: Context) -> list[str]:
    """Dependency groups besides a project's own packages, as far as they are known by now."""
    asked = ctx.settings.get("BP_PYTHON_GROUPS").replace(",", " ").split()
    groups = [*(PythonBuild.read(ctx).groups or asked)]
    return [*groups, "dev", "test"] if ctx.exec_env == "test" else groups


def asked_extras(ctx: Context) -> list[str]:
    """Extras of the project."""
    return ctx.settings.get("BP_PYTHON_EXTRAS").replace(",", " ").split()
