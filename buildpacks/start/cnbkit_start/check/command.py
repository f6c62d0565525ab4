"""What a process starts: its programs, scripts, and the modules its servers import."""

from __future__ import annotations

from cnbkit_start.check.shell import UNKNOWN, simple_commands
from cnbkit_start.process import Found

__all__ = ["Command", "commands_of"]

# What bash does itself, and what nobody needs to look for.
_BUILTINS = (
    *(".", ":", "alias", "bg", "builtin", "declare", "echo", "eval", "export", "false", "fg"),
    *("hash", "jobs", "kill", "let", "local", "printf", "pwd", "read", "readonly", "return"),
    *("set", "shift", "shopt", "sleep", "source", "test", "times", "trap", "true", "type", "["),
    *("typeset", "ulimit", "umask", "unalias", "unset", "wait", "exit", "cd", "pushd", "popd"),
)
# They run what their arguments name.
_WRAPPERS = ("exec", "env", "nohup", "command", "nice")
_PYTHONS = ("python", "python3")
# Options of Python with a value of their own.
_PYTHON_VALUES = ("-W", "-X", "--check-hash-based-pycs")
# `module:attribute` is what they serve.
_SERVERS = ("gunicorn", "uvicorn", "hypercorn", "daphne", "granian", "waitress-serve")
# Their options with a value that looks like one.
_SERVER_VALUES = (
    *("-b", "--bind", "-c", "--config", "--fd", "--uds", "-k", "--worker-class", "--log-config"),
    *("--logger-class", "--error-logfile", "--access-logfile", "--unix-socket", "-u", "--user"),
    *("-g", "--group", "--env", "-e", "--host", "-n", "--name", "--paste", "--quic-bind"),
)
# Programs with an option that names what they serve or work for.
_APP_OPTIONS = {
    "flask": ("--app", "-A"),
    "celery": ("--app", "-A"),
    "uwsgi": ("--module", "-w", "--wsgi", "--wsgi-file"),
}
# Programs with a command that runs the file it is given.
_RUN = {
    **dict.fromkeys(("streamlit", "chainlit", "shiny", "fastapi"), (["run"], ["dev"])),
    "solara": (["run"],),
    "panel": (["serve"],),
}
_PATH_OPTIONS = ("--app-dir", "--chdir", "--pythonpath", "--working-dir")


class Command:
    """One program that a process runs.

    Attributes:
        program: as written; with a slash it is a path.
        folder: where it runs, relative to the app; None if that is not known.
        direct: whether it is run without a shell, which would start a script without first line.
        script: the Python file that it runs, or a file it is told to serve; empty if none.
        module: the module that it imports; empty if none.
        attribute: of that module.
        served_by: the module that `python -m` runs; empty if none.
        main: whether the script runs as `__main__`, and is not imported.
        paths: folders of the app where modules are looked for besides `folder`.
        no_option: an argument that the program certainly refuses; empty if none.
    """

    __slots__ = (
        *("attribute", "direct", "folder", "main", "module", "paths", "program", "script"),
        *("served_by", "no_option"),
    )

    def __init__(self, program: str, folder: str | None, *, direct: bool) -> None:
        self.program = program
        self.folder = folder
        self.direct = direct
        self.main = False
        self.script = self.module = self.attribute = self.served_by = self.no_option = ""
        self.paths: list[str] = []


def commands_of(process: Found) -> list[Command]:
    """The programs of a process, as far as its command can be read."""
    folder = _folder(process.working_dir)
    words = [*process.command, *process.args]
    if words[:2] in (["bash", "-c"], ["sh", "-c"]) and len(words) >= 3:
        lists = simple_commands(words[2])
        direct = False
    else:
        lists = [words]
        direct = True
    found = []
    exported: list[str] = []
    for command in lists or []:
        if command[0] in ("cd", "pushd"):
            folder = _changed(folder, command[1] if len(command) > 1 else UNKNOWN)
            continue
        if command[0] == "export":
            for word in command[1:]:
                exported += _python_path(word)
            continue
        each = _command(command, folder, direct=direct)
        if each is not None:
            each.paths += exported
            found.append(each)
    return found


def _folder(working_dir: str | None) -> str | None:
    if not working_dir:
        return ""
    inside = working_dir.removeprefix("/workspace").strip("/")
    return None if working_dir.startswith("/") and inside == working_dir.strip("/") else inside


def _changed(folder: str | None, to: str) -> str | None:
    if folder is None or UNKNOWN in to or ".." in to.split("/"):
        return None
    if to.startswith("/"):
        return _folder(to)
    inner = "/".join(step for step in to.split("/") if step not in ("", "."))
    return f"{folder}/{inner}" if folder and inner else folder or inner


def _command(words: list[str], folder: str | None, *, direct: bool) -> Command | None:
    paths: list[str] = []
    flask_app = ""
    while words and (words[0] in _WRAPPERS or "=" in words[0]):
        paths += _python_path(words[0])
        if words[0].startswith("FLASK_APP="):
            flask_app = words[0][10:]
        direct = direct or words[0] in ("exec", "env")
        words = words[1:]
        if words and words[0].startswith("-"):
            return None  # `env -i`, `exec -a`
    if not words or UNKNOWN in words[0] or words[0] in _BUILTINS:
        return None
    found = Command(words[0], folder, direct=direct)
    found.paths = paths
    arguments = words[1:]
    name = words[0].rpartition("/")[2]
    if name in _PYTHONS or name.removeprefix("python3.").isdigit():
        _python(found, arguments)
    elif name in _SERVERS:
        _server(found, arguments)
        if name == "gunicorn":
            # `--log-file-`, which was to be `--log-file -`.
            wrong = (each for each in arguments if each[:2] == "--" and each[2:].endswith("-"))
            found.no_option = next((each for each in wrong if "=" not in each), "")
    elif name == "sanic":
        # `sanic server.app` is its other way to write `server:app`.
        _server(found, [each if ":" in each else _with_colon(each) for each in arguments])
    elif arguments[:1] in _RUN.get(name, ()):
        files = [each for each in arguments[1:] if each.endswith(".py") and each[0] != "-"]
        found.script = files[0] if len(files) == 1 and UNKNOWN not in files[0] else ""
        found.main = name == "streamlit"
    elif name in _APP_OPTIONS:
        _app_option(found, arguments, _APP_OPTIONS[name])
        if name == "flask" and flask_app and not found.script and not found.module:
            _app(found, flask_app)
    elif name in ("bash", "sh") and arguments and arguments[0][:1] not in ("-", UNKNOWN, ""):
        found.script = "" if UNKNOWN in arguments[0] else arguments[0]
    return found


def _python_path(word: str) -> list[str]:
    """Folders of the app that an assignment to PYTHONPATH names."""
    name, _, value = word.partition("=")
    if name != "PYTHONPATH":
        return []
    known = (each for each in value.split(":") if each and UNKNOWN not in each)
    return [each.removeprefix("/workspace/") for each in known]


def _python(found: Command, arguments: list[str]) -> None:
    """`python -u script.py`, `python -m module`."""
    at = 0
    while at < len(arguments) and arguments[at].startswith("-"):
        option = arguments[at]
        if option == "-m" or (option[0:2] != "--" and option.endswith("m") and option != "-X"):
            name = arguments[at + 1] if at + 1 < len(arguments) else ""
            found.served_by = name if _is_dotted(name) else ""
            found.module = name if _is_dotted(name) else ""
            if name in _APP_OPTIONS:
                _app_option(found, arguments[at + 2 :], _APP_OPTIONS[name])
            elif name in _SERVERS:
                # `python -m gunicorn app:app`
                found.module = ""
                _server(found, arguments[at + 2 :])
                if not found.module:
                    found.module = name
            return
        if "c" in option and option[0:2] != "--":
            return
        at += 2 if option in _PYTHON_VALUES else 1
    if at < len(arguments) and UNKNOWN not in arguments[at]:
        found.script = arguments[at]
        found.main = True


def _server(found: Command, arguments: list[str]) -> None:
    targets = []
    before = ""
    for each in arguments:
        option, sign, value = each.partition("=")
        if option in _PATH_OPTIONS and sign:
            found.paths.append(value)
        elif before in _PATH_OPTIONS:
            found.paths.append(each)
        elif before not in _SERVER_VALUES and not each.startswith("-"):
            target = each.partition("(")[0]
            module, colon, attribute = target.partition(":")
            if colon and _is_dotted(module) and _is_dotted(attribute):
                targets.append((module, attribute))
        before = each
    if not targets and arguments and _is_dotted(arguments[0]) and "." in arguments[0]:
        # `gunicorn shop.wsgi`
        targets.append((arguments[0], ""))
    if len(targets) == 1 and not any(UNKNOWN in path for path in found.paths):
        [(found.module, found.attribute)] = targets


def _with_colon(target: str) -> str:
    module, dot, attribute = target.rpartition(".")
    return f"{module}:{attribute}" if dot and _is_dotted(target) else target


def _app_option(found: Command, arguments: list[str], options: tuple[str, ...]) -> None:
    """`flask --app shop:app run`, `uwsgi --wsgi-file main.py`."""
    given = [
        value if sign else after
        for each, after in zip(arguments, [*arguments[1:], ""], strict=True)
        for option, sign, value in [each.partition("=")]
        if option in options
    ]
    if len(given) == 1:
        _app(found, given[0])


def _app(found: Command, text: str) -> None:
    """`shop:app`, `shop`, `shop.py:create_app()`."""
    if UNKNOWN in text:
        return
    module, _, attribute = text.partition("(")[0].partition(":")
    if module.endswith(".py"):
        found.script = module
    elif _is_dotted(module):
        found.module = module
        found.attribute = attribute if _is_dotted(attribute) else ""


def _is_dotted(text: str) -> bool:
    return bool(text) and all(part.isidentifier() for part in text.split("."))
