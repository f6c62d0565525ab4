"""Which packages the app depends on, as far as its files say so.

Read as text, because TOML and JSON parsers take longer than the rest of the build. A lock has
all packages; requirements have those the app names itself, which are those that matter here.
"""

from __future__ import annotations

from cnbkit import PythonBuild, UserFault
from cnbkit_locked.entries import normalised
from cnbkit_start.requirements import file_with, requirement, requirements, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, DetectContext
    from cnbkit.app import App

    Context = BuildContext | DetectContext

__all__ = ["Declared", "declared"]

# What is read where no buildpack has chosen.
_INPUTS = (
    *("pylock.toml", "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock"),
    *("requirements.txt", "requirements.in", "Pipfile", "pyproject.toml"),
    *("environment.yml", "environment.yaml"),
)
# Locks are written by programs, from what people have written.
_LOCKED_BY = {
    "uv.lock": "uv add",
    "poetry.lock": "poetry add",
    "pdm.lock": "pdm add",
    "Pipfile.lock": "pipenv install",
}
# What comes with other packages.
_BROUGHT = {
    "uvicorn": (
        *("fastapi[standard]", "fastapi[all]", "fastapi[standard-no-fastapi-cloud-cli]"),
        *("fastapi-cli", "gradio", "bentoml", "ray[serve]", "mlflow", "uvicorn-worker"),
        *("litestar[standard]", "connexion[uvicorn]", "nicegui", "python-fasthtml"),
    ),
    "gunicorn": ("mlflow", "uvicorn-worker"),
    "fastapi": ("gradio", "ray[serve]", "nicegui"),
    "hypercorn": ("quart",),
    "flask": (
        *("dash", "mlflow", "apiflask", "flask-restx", "flask-appbuilder", "flask-openapi3"),
        *("eve", "flask-restful", "flask-smorest"),
    ),
}
# In what describes a package: it has programs or dependencies.
_BRINGING = ("entry_points", "scripts", "install_requires", "dependencies", "dynamic", "open(")
# Their packages cannot be told from the line.
_ELSEWHERE = ("-e", "--editable", ".", "/", "git+", "http://", "https://", "file:", "-f")


class Declared:
    """The packages.

    Attributes:
        file: what was read; empty if nothing was there to read.
        names: normalised; an extra also as `name[extra]`.
        complete: whether nothing else says what is installed.
        own: whether the app itself is installed by a line of its requirements (`-e .`).
        app: the app; None if it is not known.
    """

    def __init__(
        self,
        file: str,
        names: set[str],
        *,
        complete: bool = True,
        own: bool = False,
        app: App | None = None,
    ) -> None:
        self.file = file
        self.app = app
        self.names = names
        self.complete = complete
        self.own = own

    def has(self, *names: str) -> bool:
        """Whether one of these is among them, or comes with one of them."""
        brought = [other for name in names for other in _BROUGHT.get(name, ())]
        return any(name in self.names for name in (*names, *brought))

    @property
    def of_file(self) -> str:
        """What they are called in a sentence."""
        return f"the packages of {self.file}" if self.file else "the app's packages"

    def to_add(self, name: str) -> str:
        """What one does to have another package."""
        program = _LOCKED_BY.get(self.file.rpartition("/")[2])
        if program:
            return f"run `{program} {name}` and commit {self.file}"
        if self.file.endswith(".toml") and "pylock" in self.file:
            return f"add `{name}` to what {self.file} was locked from, and lock it again"
        if self.app is not None and (other := file_with(self.app, name)):
            return f"set BP_PYTHON_INPUT to {other}, which has {name}"
        return f"add the line `{name}` to {self._dependencies}"

    @property
    def _dependencies(self) -> str:
        return f"the dependencies in {self.file}" if self.file else "requirements.txt"


def declared(ctx: Context) -> Declared:
    """The app's packages.

    From what is installed, and from the lock that the buildpacks before have made, else from the
    file they chose, else from the first that is there; and those of a conda environment.

    What cannot be read has none: the buildpack that installs tells what is wrong with it.
    """
    told = PythonBuild.read(ctx)
    chosen = None if told.inputs is None else ",".join(told.inputs)
    if chosen is None:
        chosen = ctx.settings.get("BP_PYTHON_INPUT").replace(" ", "") or None
    names = _first_words(told.conda_packages) if told.conda_packages else set()
    names |= _installed(told.packages)
    if told.lock:
        from cnbkit_locked.selected import selected

        with open(told.lock, encoding="utf-8") as file:
            found = names | selected(file.read(), told.lock, None)
            return Declared(chosen or told.lock, found, app=ctx.app)
    if chosen is None:
        chosen = next((name for name in _INPUTS if ctx.app.has(name)), "")
    files = [name for name in chosen.split(",") if ctx.app.has(name)]
    read = [_read(ctx, name, names) for name in files]
    if chosen.startswith("/"):  # the pip section of the environment
        _outside(chosen, names, set())
    lines = [line.strip() for name in files for line in _lines(ctx, name)]
    own = [line for line in lines if line.removeprefix("-e ").partition("[")[0] == "."]
    others = [line for line in lines if line not in own or not _brings_nothing(ctx)]
    return Declared(
        told.conda_file or (files[0] if files else ""),
        names,
        complete=all(read)
        and not (chosen in ("", "setup.py", "pyproject.toml") and ctx.app.has("setup.py"))
        and not any(line.startswith(_ELSEWHERE) or " @ " in line for line in others)
        and not any("dynamic" in line and "dependencies" in line for line in lines),
        own=bool(own),
        app=ctx.app,
    )


def _brings_nothing(ctx: Context) -> bool:
    """Whether the app as a package has neither programs nor dependencies, by what it says."""
    files = [name for name in ("setup.py", "setup.cfg", "pyproject.toml") if ctx.app.has(name)]
    texts = [text_of(ctx.app, name) for name in files]
    return bool(texts) and not any(word in text for text in texts for word in _BRINGING)


def _lines(ctx: Context, name: str) -> list[str]:
    """Of a file that a person writes; a lock is complete."""
    by_hand = name.endswith((".txt", ".in")) or name == "pyproject.toml"
    return text_of(ctx.app, name).splitlines() if by_hand else []


def _installed(path: str) -> set[str]:
    """Names in the `pip` buildpack's list of what is installed; empty if there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            parts = file.read().split('"name": "')[1:]
    except (OSError, UnicodeDecodeError):
        return set()
    return {normalised(part.partition('"')[0]) for part in parts}


def _outside(path: str, names: set[str], seen: set[str]) -> None:
    """Requirements in a file by its absolute path, with those of the files it includes."""
    seen.add(path)
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = [line.strip() for line in file]
    except (OSError, ValueError):
        return  # for the buildpack that installs to tell
    for line in lines:
        option, _, other = line.replace("=", " ", 1).partition(" ")
        if option not in ("-r", "--requirement"):
            names |= requirement(line)
            continue
        inner = other.partition(" #")[0].strip()
        if not inner.startswith("/"):
            inner = f"{path.rpartition('/')[0]}/{inner}"
        if inner not in seen:
            _outside(inner, names, seen)


def _first_words(path: str) -> set[str]:
    """What the lines of a list outside of the app begin with."""
    with open(path, encoding="utf-8") as file:
        return set().union(*(requirement(line.strip()) for line in file))


def _read(ctx: Context, file: str, names: set[str]) -> bool:
    """Add a file's packages; whether it could be read."""
    if file.endswith((".txt", ".in")):
        requirements(ctx.app, file, names, set())
    elif file == "pyproject.toml":
        of_project = _of_project(ctx, file)
        names |= of_project or set()
        return of_project is not None
    elif file == "Pipfile":
        names |= _of_pipfile(text_of(ctx.app, file))
    elif file.endswith((".yml", ".yaml")):
        lines = (line.strip(" -\"'\r") for line in text_of(ctx.app, file).splitlines())
        names.update(*(requirement(line) for line in lines))
    else:
        from cnbkit_locked.selected import selected
        from cnbkit_start.asked import selection

        # Only Poetry's lock may leave to its project which packages are for whom.
        own = _own(ctx) if file.endswith("poetry.lock") else None
        names |= selected(text_of(ctx.app, file), file, selection(ctx), own)
    return True


def _of_pipfile(text: str) -> set[str]:
    """Keys below [packages]."""
    inside = False
    names = set()
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("["):
            inside = line.startswith("[packages]")
        elif inside and "=" in line:
            names |= requirement(line.strip("\"'"))
    return names


def _own(ctx: Context) -> set[str] | None:
    """What a project of Poetry's depends on itself, as far as that can be read."""
    file = "pyproject.toml"
    return _of_project(ctx, file) if ctx.app.has(file) else None


def _of_project(ctx: Context, file: str) -> set[str] | None:
    """Dependencies of pyproject.toml, with the groups and extras that are asked for.

    None if it cannot be read.
    """
    text = text_of(ctx.app, file)
    if "dependencies" not in text:
        return set()
    try:
        document = ctx.app.toml(file)
    except UserFault:  # for the buildpack that installs to tell
        return None
    from cnbkit_start.asked import asked_extras, asked_groups

    project = _table(document, "project")
    lists = [
        project.get("dependencies"),
        *(_table(project, "optional-dependencies").get(each) for each in asked_extras(ctx)),
        *(_table(document, "dependency-groups").get(each) for each in asked_groups(ctx)),
    ]
    found = [text for each in lists if isinstance(each, list) for text in each]
    names = set().union(*(requirement(text) for text in found if isinstance(text, str)))
    poetry = _table(_table(_table(document, "tool"), "poetry"), "dependencies")
    for name, value in poetry.items():
        names.add(normalised(name))
        extras = value.get("extras", []) if isinstance(value, dict) else []
        names |= {f"{normalised(name)}[{normalised(str(extra))}]" for extra in extras}
    return names


def _table(document: dict[str, object], name: str) -> dict[str, object]:
    inner = document.get(name)
    return inner if isinstance(inner, dict) else {}
