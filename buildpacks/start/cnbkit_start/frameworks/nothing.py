"""Why nothing of an app can be started as it is, and what its people may mean to start."""

from __future__ import annotations

import os

from cnbkit import UserFault
from cnbkit.app import App
from cnbkit_start.config import PROCFILE
from cnbkit_start.declared import Declared
from cnbkit_start.frameworks.scripts import SCRIPTS, TABLES, programs_of
from cnbkit_start.frameworks.seen import PORT
from cnbkit_start.frameworks.servers import ASGI_SERVERS, WSGI_SERVERS, command
from cnbkit_start.source import folders, read_source, sources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_start.code import Code

__all__ = ["nothing_starts"]

_PROJECTS = ("requirements.txt", "pyproject.toml", "environment.yml", "Pipfile", "setup.py")
# Modules of what the buildpack knows to start, and their packages.
_FRAMEWORKS = {
    **{name: name for name in ("fastapi", "flask", "django", "streamlit", "gradio", "dash")},
    **{name: name for name in ("starlette", "litestar", "quart", "chainlit", "panel", "shiny")},
    **{name: name for name in ("bentoml", "voila")},
    "fasthtml": "python-fasthtml",
    "functions_framework": "functions-framework",
}
_LIKELY = ("start", "web", "serve", "server", "run", "app")


def nothing_starts(app: App, packages: Declared | None) -> tuple[str, str, str]:
    """Why, the file that says so, and the one thing to change.

    Args:
        app: the app.
        packages: its packages; None if nobody looked at them.
    """
    notebooks = [name for name in sorted(os.listdir(app.root)) if name.endswith(".ipynb")]
    scripts = [name for name in SCRIPTS if app.has(name)]
    missing = _missing(app, packages)
    if missing:
        return missing
    if notebooks and not scripts:
        add = (packages or Declared("", set())).to_add("jupyterlab")
        return (
            "there are notebooks, but no Jupyter among the packages",
            notebooks[0],
            f"{add}: it is then what starts",
        )
    if not scripts and (apart := _not_installed(app, packages)):
        return apart
    why, where = _reason(app, scripts)
    example = _example(app, packages)
    if example:
        return why, where, f"say what starts, for example: echo 'web: {example}' >{PROCFILE}"
    inner = [
        name
        for name in folders(app.root)
        if any(app.has(f"{name}/{each}") for each in _PROJECTS) and not scripts
    ]
    if inner:
        others = f" ({', '.join(inner[1:4])} likewise)" if len(inner) > 1 else ""
        return (
            f"{why}; {inner[0]}/ is a project of its own{others}",
            where,
            f"build that one: cnbkit build ./{inner[0]}",
        )
    if scripts:
        return why, where, f"call them at its end, or add a {PROCFILE} with `web: <command>`"
    return why, where, f"add a {PROCFILE} with `web: <command>`, or an app.py"


def _missing(app: App, packages: Declared | None) -> tuple[str, str, str] | None:
    """A framework that the code imports, and nothing installs."""
    if packages is None or not packages.complete:
        return None
    names = [each for each in sorted(os.listdir(app.root)) if each.endswith(".py")]
    # Tests import frameworks to try the app, or as examples.
    names = [*SCRIPTS, *(each for each in names if not each.startswith(("test_", "conftest.")))]
    # What lies in a project of its own has that one's packages.
    names += [
        each.name
        for each in sources(app)
        if not any(app.has(f"{each.name.partition('/')[0]}/{file}") for file in _PROJECTS)
    ]
    for name in dict.fromkeys(each for each in names if app.has(each)):
        for found in read_source(app, name).code.certain_imports():
            package = _FRAMEWORKS.get(found.module.partition(".")[0])
            if package and not found.level and not packages.has(package):
                return (
                    f"{name} imports {found.module}, and {package} is not among {packages.of_file}",
                    f"{name}:{found.line}",
                    packages.to_add(package),
                )
    return None


def _not_installed(app: App, packages: Declared | None) -> tuple[str, str, str] | None:
    """A project with scripts whose requirements install other packages and not itself."""
    if packages is None or packages.own or not packages.file.endswith((".txt", ".in")):
        return None
    name = "pyproject.toml"
    try:
        document = app.toml(name) if app.has(name) else {}
    except UserFault:
        return None
    if "build-system" not in document or not any(programs_of(document, each) for each in TABLES):
        return None
    why = f"{name} has scripts, but {packages.file}, which is installed, lacks the project itself"
    return why, packages.file, f"add the line `-e .` to {packages.file}"


def _reason(app: App, scripts: list[str]) -> tuple[str, str]:
    if scripts:
        return f"{scripts[0]} only defines functions, so that starting it does nothing", scripts[0]
    name = "pyproject.toml"
    text = app.bytes(name).decode("utf-8", "replace").replace(" ", "") if app.has(name) else ""
    if any(f"[{table}.scripts]" in text for table in TABLES):
        # Poetry builds its own without being told by what.
        if "[build-system]" not in text and "[tool.poetry]" not in text:
            why = f"{name} has scripts, but no [build-system], so that they are not installed"
            return why, name
        return f"{name} has more than one script", name
    return "there is no Procfile, app.py or main.py", "the app's root"


def _example(app: App, packages: Declared | None) -> str:
    """A command that may be meant; empty if nothing looks like it."""
    if app.has("pyproject.toml"):
        try:
            document = app.toml("pyproject.toml")
        except UserFault:
            document = {}
        for table in TABLES:
            programs = programs_of(document, table)
            if programs and ("build-system" in document or table == "tool.poetry"):
                return next((name for name in programs if name in _LIKELY), next(iter(programs)))
    if app.has("manage.py"):
        return "python3 manage.py runserver 0.0.0.0:$PORT"
    if app.has("rxconfig.py"):
        return "reflex run --env prod"
    names = sorted(name for name in os.listdir(app.root) if name.endswith(".py"))
    names = [
        name
        for name in names
        if name.removesuffix(".py").isidentifier()
        and not name.startswith(("_", "test", "setup", "conftest", "noxfile"))
        and not name.endswith("_test.py")
    ]
    codes = {name: read_source(app, name).code for name in names}
    for name, code in codes.items():
        served = _served(name, code, packages)
        if served:
            return served
    names = [name for name in names if not codes[name].only_defines]
    started = [name for name in names if codes[name].has_main]
    likely = [name for name in started or names if {*_LIKELY} & {*name[:-3].split("_")}]
    return f"python3 {(likely or started or names)[0]}" if names else ""


def _served(name: str, code: Code, packages: Declared | None) -> str:
    """A server's command for a file that does nothing but hold an app (`app = other.app`)."""
    if packages is None or not code.only_defines:
        return ""
    from cnbkit_start.code import APPS

    variable = next((each for each in APPS if code.defines(each)), "")
    for servers, is_asgi in ((ASGI_SERVERS, True), (WSGI_SERVERS, False)):
        server = next((each for each in servers if packages.has(each)), "")
        if server and variable:
            target = f"{name.removesuffix('.py')}:{variable}"
            return command(server, target, "", is_asgi=is_asgi).replace(PORT, "$PORT")
    return ""
