"""Whether whoever runs the builder lets apps run code of their own."""

from __future__ import annotations

from cnbkit import BuildContext, UserFault

__all__ = ["check_allowed"]


def check_allowed(ctx: BuildContext, script: str, setting: str) -> None:
    """Look at the setting, and at bindings of type `policy`, which no app can change.

    Raises:
        UserFault: hooks are not allowed; says who says so.
    """
    who = "BP_HOOKS" if setting == "deny" else ""
    for binding in ctx.bindings.all("policy"):
        rules = binding.text("policy.toml", "").partition("\n[")[0].splitlines()
        if any(line.partition("#")[0].replace(" ", "").strip() == "hooks=false" for line in rules):
            who = f"hooks = false in the binding {binding.name}"
    if who:
        raise UserFault(
            f"this builder runs no code of apps, and {script} is some",
            where=f"{script}; {who}",
            remedy=f"remove {script}, or ask whoever runs the builder to allow it",
        )
