"""What `conda activate` would set, found out once, while the image is built.

Packages have scripts in etc/conda/activate.d that export variables. They are run here, and what
they set becomes part of the layer's environment: a start of the image costs nothing, and needs
no shell.
"""

from __future__ import annotations

import json
import os

from cnbkit import BuildContext, CommandFailed

__all__ = ["activate"]

_SCRIPT = 'out=$1; shift; for each in "$@"; do . "$each"; done; env -0 >"$out"'
# Bash's own, and what says that an environment is active.
_NOT_THEIRS = ("_", "SHLVL", "PWD", "OLDPWD", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "CONDA_SHLVL")
_SECONDS = 60


def activate(ctx: BuildContext, prefix: str) -> dict[str, str]:
    """Variables that the packages' activation sets; PATH has only what it adds in front."""
    found = _declared(ctx, f"{prefix}/etc/conda/env_vars.d")
    folder = f"{prefix}/etc/conda/activate.d"
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    scripts = [f"{folder}/{name}" for name in names if name.endswith(".sh")]
    if not scripts:
        return found
    before = {
        "PATH": f"{prefix}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/nonexistent",
        "CONDA_PREFIX": prefix,
        "CONDA_DEFAULT_ENV": os.path.basename(prefix),
        "CONDA_SHLVL": "1",
    }
    out = f"{ctx.scratch}/activated"
    shell = ("bash", "--noprofile", "--norc", "-c", _SCRIPT, "activate", out)
    try:
        given = [f"{name}={value}" for name, value in before.items()]
        ctx.run("env", "-i", *given, *shell, *scripts, quiet=True, timeout=_SECONDS)
    except CommandFailed as failed:
        ctx.log.warning(f"activation scripts of packages failed, and are left out:\n{failed.shown}")
        return found
    with open(out, encoding="utf-8", errors="surrogateescape") as file:
        lines = (each.partition("=") for each in file.read().split("\0") if each)
        after = {name: value for name, _, value in lines}
    for name, value in sorted(after.items()):
        if name == "PATH":
            if value != before["PATH"] and value.endswith(f":{before['PATH']}"):
                found[name] = value.removesuffix(f":{before['PATH']}")
        elif name not in before and name not in _NOT_THEIRS and not name.startswith("BASH_FUNC_"):
            found[name] = value
    named = ", ".join(os.path.basename(each) for each in scripts)
    ctx.log.debug(f"Activation scripts: {named}")
    return found


def _declared(ctx: BuildContext, folder: str) -> dict[str, str]:
    """Variables that packages declare without a script."""
    found: dict[str, str] = {}
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        try:
            with open(f"{folder}/{name}", encoding="utf-8") as file:
                table = json.load(file)
            found.update({str(key): str(value) for key, value in table.items()})
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            ctx.log.warning(f"{name} in etc/conda/env_vars.d is left out: {error}")
    return found
