"""Run a hook, and keep what it makes."""

from __future__ import annotations

import os

from cnbkit import BuildContext, CommandFailed, PythonBuild, UserFault
from cnbkit_hooks.files import copy
from cnbkit_hooks.hook import Hook
from cnbkit_hooks.outside import Outside

__all__ = ["keep", "run"]


def run(ctx: BuildContext, hook: Hook) -> None:
    """Run it where it wants to, with the build's environment and its own variables.

    Raises:
        UserFault: it failed or took too long; with the end of what it printed.
    """
    where = f"{hook.root}/{hook.working_dir}".rstrip("/")
    if not os.path.isdir(where):
        raise UserFault(
            f"the working directory of {hook.script} is not there: {hook.working_dir}",
            where=hook.script,
            remedy="correct its line `cnbkit: working-dir = …`",
        )
    env = {**_python(ctx), **hook.env, "CNBKIT_APP": hook.root}
    outside = Outside(env.get("HOME") or ctx.env.get("HOME", ""))
    try:
        shell = ["/bin/sh"] if hook.by_shell else []
        ctx.run(*shell, f"{hook.root}/{hook.script}", env=env, cwd=where, timeout=hook.limit)
    except CommandFailed as failed:
        raise _fault(hook, failed) from None
    told = outside.told()
    if told:
        ctx.log.warning(f"{hook.script} wrote {told}")


def _python(ctx: BuildContext) -> dict[str, str]:
    """What makes `python` the app's, with its packages, as in the image; nothing before it is."""
    told = PythonBuild.read(ctx)
    path = told.python
    if not path:
        return {}
    if told.python_restore and not os.path.exists(path):
        # A conda environment that only the previous image has.
        ctx.run(told.python_restore)
    environment = told.environment
    programs = f"{environment}/bin" if environment else os.path.dirname(path)
    before = ctx.env.get("PATH", "")
    new = [programs] if os.path.isdir(programs) and programs not in before.split(":") else []
    # What it imports of the app leaves nothing behind in the image.
    found = {"PATH": ":".join([*new, before]), "PYTHONDONTWRITEBYTECODE": "1"}
    if environment:
        found["VIRTUAL_ENV"] = environment
    return found


def _fault(hook: Hook, failed: CommandFailed) -> UserFault:
    how = failed.what.removeprefix(f"{failed.argv[0]} ")
    remedy = "see what it printed, below"
    if failed.code == 127 and not failed.output.rstrip().count("\n"):
        remedy = (
            "is the program of its first line on the build image? #!/usr/bin/env python3 finds "
            "Python wherever it is"
        )
    elif how.startswith("took longer"):
        remedy = (
            "see how far it came; if it needs longer, say so in it: "
            f"`# cnbkit: timeout = {hook.limit * 2}`"
        )
    return UserFault(
        f"{hook.script} {how}",
        where=hook.script,
        remedy=remedy,
        detail=failed.shown or "it printed nothing",
    )


def keep(hook: Hook, directory: str) -> None:
    """Copy its outputs out of the app.

    Raises:
        UserFault: it has not made one of them.
    """
    missing = [name for name in hook.outputs if not os.path.lexists(f"{hook.root}/{name}")]
    if missing:
        raise UserFault(
            f"{hook.script} has not made {', '.join(missing)}",
            where=hook.script,
            remedy="correct its line `cnbkit: outputs = …`, or the script",
        )
    os.makedirs(f"{directory}/files")
    for name in hook.outputs:
        copy(f"{hook.root}/{name}", f"{directory}/files/{name}")
