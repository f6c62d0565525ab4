"""What the project itself calls its program, and files that Python can start."""

from __future__ import annotations

from cnbkit import UserFault
from cnbkit_start.frameworks.dashboards import by_gradio
from cnbkit_start.frameworks.seen import Seen, process
from cnbkit_start.process import Found
from cnbkit_start.source import Source, folders, read_source

__all__ = ["SCRIPTS", "TABLES", "declared_script", "greeting", "programs_of", "script"]

SCRIPTS = ("app.py", "main.py")
# Others that people start, where none of those is there.
_MORE = ("server.py", "run.py", "start.py", "bot.py", "worker.py")
TABLES = ("project", "tool.poetry")


def declared_script(seen: Seen) -> Found | None:
    """The only console script of pyproject.toml, if the project is installed and so has it.

    Not one that prints a line and ends, which `uv init` writes: an app of a framework comes first.
    """
    found = _declared(seen)
    return found[0] if found and not found[1] else None


def greeting(seen: Seen) -> Found | None:
    """The same script, also if it does no more than to print."""
    found = _declared(seen)
    return found[0] if found else None


def _declared(seen: Seen) -> tuple[Found, bool] | None:
    """The script, and whether it only prints."""
    name = "pyproject.toml"
    data = seen.app.bytes(name) if seen.app.has(name) else b""
    # Looked for as text: parsing TOML takes longer than the rest.
    if not any(f"[{table}.scripts]".encode() in data.replace(b" ", b"") for table in TABLES):
        return None
    try:
        document = seen.app.toml(name)
    except UserFault:  # for the buildpack that installs to tell
        return None
    if not _is_installed(seen, document):
        return None
    for table in TABLES:
        programs = programs_of(document, table)
        if len(programs) != 1:
            continue
        [program] = programs
        if program and not any(char in " \t/'\"\\$`" for char in program):
            target = _scripts(document, table)[program]
            return process(program, f"[{table}.scripts] in {name}"), _only_prints(seen, target)
    return None


def _only_prints(seen: Seen, target: object) -> bool:
    module, colon, function = str(target).partition(":")
    path = module.replace(".", "/")
    for name in (f"{base}{path}{end}" for base in ("", "src/") for end in (".py", "/__init__.py")):
        if colon and seen.app.has(name):
            return read_source(seen.app, name).code.only_prints(function)
    return False


def programs_of(document: dict[str, object], table: str) -> list[str]:
    """Names of the console scripts that a table of pyproject.toml declares."""
    return [*_scripts(document, table)]


def _scripts(document: dict[str, object], table: str) -> dict[str, object]:
    found: object = document
    for key in (*table.split("."), "scripts"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _is_installed(seen: Seen, document: dict[str, object]) -> bool:
    """Whether the project is a package, as the `pip` buildpack sees it, and is installed."""
    if seen.packages.file.endswith((".txt", ".in")):
        return seen.packages.own
    tools = document.get("tool")
    options = {
        name: table
        for name, table in (tools.items() if isinstance(tools, dict) else ())
        if isinstance(table, dict)
    }
    uv, poetry, pdm = (options.get(name, {}) for name in ("uv", "poetry", "pdm"))
    refused = False in (
        poetry.get("package-mode"),
        uv.get("package"),
        pdm.get("distribution"),
    )
    built = (
        "build-system" in document
        or uv.get("package") is True
        or seen.app.has("setup.py")
        or "name" in poetry  # Poetry builds its own without being told
    )
    return built and not refused


def script(seen: Seen, *, greets: bool = False) -> Found | None:
    """A file that does something when it is started.

    Args:
        seen: the app.
        greets: whether printing something is enough: editors and `uv init` write such files.
    """
    for base in ("", "src/"):
        for name in (f"{base}{each}" for each in (*SCRIPTS, *_MORE)):
            if seen.app.has(name):
                source = read_source(seen.app, name)
                if not source.code.only_defines and (greets or not source.code.only_greets):
                    return _started(seen, source)
    for base in ("", "src/"):
        # `python -m` takes a name with a dash, too.
        names = [
            name
            for name in folders(f"{seen.app.root}/{base}", also="-")
            if seen.app.has(f"{base}{name}/__main__.py")
        ]
        if len(names) == 1:
            path = "env PYTHONPATH=src " if base else ""
            return process(f"{path}python3 -m {names[0]}", f"{base}{names[0]}/__main__.py")
    return None


def _started(seen: Seen, source: Source) -> Found:
    name = source.name
    if "gradio" in seen.packages.names:
        return by_gradio(name)
    host, line = source.code.listens_on()
    warning = host and (
        f"{name}:{line} listens on {host}: nothing outside of the image reaches it; let it listen "
        "on 0.0.0.0"
    )
    if not warning and (asks := source.code.asks()):
        warning = (
            f"{name}:{asks} waits for somebody to type (input()), which nobody does where an "
            "image runs by itself"
        )
    # In a package below src, of which it imports its neighbours.
    is_module = "/" in name and not source.root
    started = f"-m {source.module}" if is_module else name
    # Not `python`: where no other buildpack brings one, Debian's base has only python3.
    return process(f"python3 {started}", name, warning=warning)
