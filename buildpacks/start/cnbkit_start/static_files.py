"""Django's static files, which a server serves only once they are collected."""

from __future__ import annotations

import os

from cnbkit import BuildContext, CommandFailed, DetectContext, PythonBuild, UserFault
from cnbkit_start.declared import declared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_start.config import Options

__all__ = ["collect", "collects"]

_LIMIT = 900
SETTING = "BP_DJANGO_COLLECTSTATIC"
# What Django says where settings name no folder to collect into; there is nothing to fail then.
_NO_ROOT = "without having set the STATIC_ROOT setting"
_RAISED = r"^(?:[\w.]+\.)?\w*(?:Error|Exception|ImproperlyConfigured|NotFound): .+$"
_MODULE = r"^ModuleNotFoundError: No module named '(?P<name>[^']+)'"
_LIBRARY = (
    r"^(?:ImportError|OSError): .*(?:failed to find lib|cannot open shared object|cannot load libr"
    r"|[Uu]nable to (?:find|load) .*(?:library|shared)|library .* (?:was )?not found)"
)
# Heroku's word for the same; whoever comes from there has it set.
_DISABLED = "DISABLE_COLLECTSTATIC"


def collects(ctx: BuildContext | DetectContext, options: Options) -> bool:
    """Whether the app is a Django project whose settings say where static files are collected."""
    if not options.collect or not ctx.app.has("manage.py"):
        return False
    if ctx.settings.get(_DISABLED) not in ("", "0"):
        return False
    return _configured(ctx.app.root) and declared(ctx).has("django")


def _configured(root: str) -> bool:
    """Whether some settings have STATIC_ROOT and the app that collects."""
    for folder, folders, names in os.walk(root):
        depth = folder.removeprefix(root).count("/")
        folders[:] = sorted(each for each in folders if depth < 3 and not each.startswith("."))
        within = os.path.basename(folder) == "settings"
        for name in names:
            if name == "settings.py" or (within and name.endswith(".py")):
                with open(f"{folder}/{name}", "rb") as file:
                    lines = [line.strip() for line in file.read().splitlines()]
                text = b"\n".join(line for line in lines if not line.startswith(b"#"))
                if b"STATIC_ROOT" in text and b"staticfiles" in text:
                    return True
    return False


def collect(ctx: BuildContext) -> None:
    """Run `collectstatic`, with the app's Python and packages.

    Raises:
        UserFault: it failed; with the end of what it printed.
    """
    site = PythonBuild.read(ctx).environment
    python = f"{site}/bin/python"
    if not site or not os.path.exists(python):
        ctx.log.warning(
            "Django's static files are not collected: the app's packages are not at hand in this "
            "build; run `manage.py collectstatic` in .cnbkit/post-build"
        )
        return
    env = {"PYTHONDONTWRITEBYTECODE": "1", "VIRTUAL_ENV": site}
    try:
        with ctx.log.timed("Collecting Django's static files"):
            ctx.run(
                *(python, "manage.py", "collectstatic", "--noinput"),
                env=env, cwd=ctx.app.root, timeout=_LIMIT,
            )  # fmt: skip
    except CommandFailed as failed:
        if _NO_ROOT in (failed.shown or ""):
            ctx.log.warning(
                "Django's static files are not collected: in this build the settings have no "
                "STATIC_ROOT; set with --env what they look at, such as DEBUG=0, if the image is "
                "to serve them"
            )
            return
        said, change = _why(failed.output)
        raise UserFault(
            f"`manage.py collectstatic` failed{f': {said}' if said else ''}",
            where="manage.py",
            remedy=f"{change}, or set {SETTING}=false and collect elsewhere",
            detail=failed.shown or "it printed nothing",
        ) from None


def _why(output: str) -> tuple[str, str]:
    """The last line of its traceback, and what to change for it."""
    import re

    from cnbkit_import_names import DISTRIBUTIONS

    raised = [*re.finditer(_RAISED, output, re.MULTILINE)]
    last = raised[-1][0] if raised else ""
    if found := re.search(_MODULE, last):
        name = found["name"].partition(".")[0]
        package = DISTRIBUTIONS.get(name.lower(), "")
        what = package or f"the package that has the module {name}"
        return last, f"add {what} to the dependencies"
    if re.search(_LIBRARY, last):
        return last, (
            "add the library's Debian package, which elf-check names, to Aptfile, and once more as "
            "`:build: <package>`, because collectstatic runs in the build"
        )
    return last, (
        "give settings what they need with --env (a SECRET_KEY for the build is enough; see below)"
    )
