"""Programs of well-known packages, told from a lock before anything is installed."""

from __future__ import annotations

from cnbkit import PythonBuild, UserFault
from cnbkit_start.config import CONDA
from cnbkit_start.declared import declared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from cnbkit import BuildContext, DetectContext
    from cnbkit_start.declared import Declared

__all__ = ["Locked"]

# Program, and module of `python -m`: the packages that have it.
_OWNERS = {
    "gunicorn": ("gunicorn",),
    "uvicorn": ("uvicorn",),
    "hypercorn": ("hypercorn",),
    "daphne": ("daphne",),
    "granian": ("granian",),
    "waitress-serve": ("waitress",),
    "waitress": ("waitress",),
    "uwsgi": ("uwsgi", "pyuwsgi"),
    "flask": ("flask",),
    "celery": ("celery",),
    "streamlit": ("streamlit",),
    "chainlit": ("chainlit",),
    "panel": ("panel",),
    "voila": ("voila",),
    "shiny": ("shiny",),
    "bentoml": ("bentoml",),
    "mlflow": ("mlflow", "mlflow-skinny"),
    "ray": ("ray",),
    "jupyter": ("jupyter-core",),
    "alembic": ("alembic",),
}
# Modules that no other package has.
_MODULES = {
    **{name: name for name in ("fastapi", "flask", "django", "starlette", "streamlit", "gradio")},
    **{name: name for name in ("dash", "uvicorn", "chainlit", "panel", "bentoml", "requests")},
    **{name: name for name in ("pandas", "joblib", "httpx", "pydantic", "sqlalchemy", "redis")},
    **{name: name for name in ("numpy", "scipy", "matplotlib", "plotly", "transformers", "openai")},
    **{name: name for name in ("aiohttp", "uvloop", "celery", "boto3", "litestar", "sanic")},
    "sklearn": "scikit-learn",
}


class Locked:
    """All packages that the image gets.

    Args:
        packages: they, and maybe more.
        own: programs that the app's own package brings.
    """

    def __init__(self, packages: Declared, own: Iterable[str] = ()) -> None:
        self.packages = packages
        self._names = packages.names
        self._own = frozenset(own)

    @classmethod
    def read(cls, ctx: DetectContext) -> Locked | None:
        """From the app's lock; None if more may be installed than one file says."""
        if ctx.settings.get("BP_PYTHON_INPUT").count(",") or _from_elsewhere(ctx):
            return None
        packages = declared(ctx)
        if not packages.complete or not packages.whole:
            return None
        return cls(packages, _own(ctx))

    @classmethod
    def planned(cls, ctx: BuildContext) -> Locked | None:
        """What the buildpack that installs has decided; None if others may bring programs, too."""
        told = PythonBuild.read(ctx)
        nothing = told.inputs is not None and not told.inputs
        if not (told.packages or nothing) or told.conda_packages or _from_elsewhere(ctx):
            return None
        packages = declared(ctx)
        return cls(packages, _own(ctx))

    def has_module(self, name: str) -> bool | None:
        """Whether a module is there; None if other packages than one may bring it."""
        return False if self.lacks_module(name) else None

    def lacks_module(self, name: str) -> str:
        """The package that alone has a module, if it certainly is not installed; else empty."""
        package = _MODULES.get(name, "")
        return "" if package in self._names else package

    def lacks(self, program: str) -> str:
        """The package of a program that certainly is not installed; empty if it may be."""
        owners = _OWNERS.get(program, ())
        # What others' locks have, a project may be itself.
        if not owners or program in self._own:
            return ""
        return owners[0] if self._names.isdisjoint(owners) else ""


def _own(ctx: DetectContext | BuildContext) -> set[str]:
    """Programs that the app's own package may bring."""
    found: set[str] = set()
    for name in ("pyproject.toml", "setup.cfg", "setup.py"):
        text = ctx.app.bytes(name) if ctx.app.has(name) else b""
        if b"scripts" not in text:
            continue
        if name == "pyproject.toml":
            found |= _declared(ctx, name)
        else:  # any word of it may be one
            found |= {each for each in _OWNERS if each.encode() in text}
    return found


def _declared(ctx: DetectContext | BuildContext, name: str) -> set[str]:
    from cnbkit_start.frameworks.scripts import TABLES, programs_of  # few apps need it

    try:
        document = ctx.app.toml(name)
    except UserFault:  # for the buildpack that installs to tell
        return set()
    return {program for table in TABLES for program in programs_of(document, table)}


def _from_elsewhere(ctx: DetectContext | BuildContext) -> bool:
    """Whether apt or conda may bring programs, too."""
    if any(ctx.app.has(name) for name in (*CONDA, "Aptfile", "apt.txt")):
        return True
    if ctx.settings.get("BP_CONDA_INPUT") or ctx.settings.get("BP_APT_INPUT"):
        return True
    return any(
        ctx.app.has(name) and "cnbkit.apt" in ctx.app.text(name)
        for name in ("project.toml", "pyproject.toml")
    )
