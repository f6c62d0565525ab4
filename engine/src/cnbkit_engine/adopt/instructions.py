"""What becomes of each instruction but RUN."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from cnbkit_engine.adopt.base_image import recognised
from cnbkit_engine.adopt.findings import add
from cnbkit_engine.adopt.run_files import fetched
from cnbkit_engine.adopt.site import Site, covered, default, needs
from cnbkit_engine.adopt.stages import Role
from cnbkit_engine.adopt.text import beginning
from cnbkit_engine.spec.dockerfile import assignments, split

if TYPE_CHECKING:
    from cnbkit_engine.adopt.findings import Findings
    from cnbkit_engine.adopt.paths import Paths
    from cnbkit_engine.adopt.site import Answer
    from cnbkit_engine.adopt.stages import Stage, Step

__all__ = ["base", "copied", "note_copy", "other"]

_ENV_DEFAULT = re.compile(
    r"PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE|PYTHONFAULTHANDLER|PYTHONHASHSEED|PYTHONIOENCODING"
    r"|LANG|LC_ALL|LANGUAGE|DEBIAN_FRONTEND|DEBCONF_\w+|TZ_DEFAULT|TERM|SHELL|HOME|USER"
    r"|PIP_\w+|POETRY_\w+|PIPENV_\w+|UV_\w+|PDM_\w+|CONDA_\w+|MAMBA_\w+|VIRTUAL_ENV|VENV\w*"
    r"|PATH|LD_LIBRARY_PATH|CUDA_HOME|CUDA_VERSION|CUDNN_VERSION|NVIDIA_\w+|LIBRARY_PATH|CPATH"
    r"|PYTHON_VERSION|PYSETUP_PATH|GCSFUSE_REPO|APT_\w+"
)
_OLDEST = 8
_PACKAGES = (
    *("site-packages", "dist-packages", "__pypackages__", "venv", "/usr/local", "wheels"),
    *(".local", "/install", "/opt/conda", "/deps"),
)
_SYSTEM = ("/etc/", "/usr/", "/var/", "/lib/", "/root/", "/opt/conda")
_BINARIES = ("/usr/local/bin", "/bin", "/usr/bin", "/usr/local/lib", "/usr/lib")


def base(findings: Findings, paths: Paths, stage: Stage) -> Answer:
    """FROM."""
    if stage.parent:
        return default(f"goes on from stage {stage.parent.name}")
    known = recognised(stage.base)
    if stage.role is Role.IMAGE:
        findings.image = stage.base
        old = known.python and int(known.python.partition(".")[2]) < _OLDEST
        if known.system:
            findings.system_python = "" if old else known.python
        elif old:
            return needs(
                f"Python {known.python} is past its end: say 3.9 or newer in .python-version"
            )
        else:
            findings.python = known.python
        findings.hardware = known.hardware
        listed = _listed(paths)
        for package in known.packages:
            name = re.split(r"[\[=<>~!]", package)[0]
            if not re.search(rf"^[ \t]*{re.escape(name)}\b", listed, re.MULTILINE | re.IGNORECASE):
                add(findings.packages, package)
    if not known.known:
        where = "" if stage.role is Role.IMAGE else f" of stage {stage.name}"
        return needs(f"{stage.base}{where}: {known.says}")
    parts = [
        f".python-version: {known.python}" if known.python and not known.system else "",
        f"hardware.txt: {known.hardware}" if known.hardware else "",
        f"requirements: {', '.join(known.packages)}" if known.packages else "",
        "environment.yml" if known.conda else "",
    ]
    said = ", ".join(part for part in parts if part)
    if stage.role is Role.SOURCE and not known.conda:
        return default("the build image has what is needed to build")
    return covered(said + known.note) if said else default(known.says + known.note)


def note_copy(paths: Paths, step: Step) -> None:
    """Tell the paths of a COPY or ADD from the app, and of no other instruction."""
    instruction = step.instruction
    if instruction.keyword not in ("COPY", "ADD") or instruction.heredocs:
        return
    words = _words(step)
    if instruction.flag("from") or step.stage.role is Role.UNUSED or len(words) < 2:
        return
    sources = [word for word in words[:-1] if "://" not in word and not word.startswith("git@")]
    if sources:
        paths.copy(sources, words[-1], step.workdir)


def copied(findings: Findings, paths: Paths, step: Step) -> Answer:
    """COPY and ADD."""
    instruction = step.instruction
    words = _words(step)
    if instruction.heredocs:
        return needs("write this text into a file of the app")
    if len(words) < 2:
        return needs("there is nothing to copy")
    *sources, target = words
    stage = instruction.flag("from")
    if stage:
        return _from_stage(paths, step, sources, target)
    addresses = [source for source in sources if "://" in source or source.startswith("git@")]
    if addresses:
        checksum = (instruction.flag("checksum") or "").removeprefix("sha256:")
        base_name = posixpath.basename(addresses[0].partition("?")[0])
        place = posixpath.join(target, base_name) if target.endswith(("/", ".")) else target
        site = Site(findings, paths, step, step.workdir, instruction.line)
        return fetched(site, addresses[0], place, checksum)
    missing = [name for name in sources if not _there(paths, name)]
    if missing:
        return needs(f"{', '.join(missing)}: not in {paths.context.name}/")
    whole = posixpath.normpath(posixpath.join(step.workdir, target))
    if whole.startswith(_SYSTEM) and not _is_apps(step, sources, whole):
        source = sources[0].removeprefix("./")
        if whole.startswith(_BINARIES):
            return needs(f"it stays in the app: name it as /workspace/{source}")
        return needs(f"it stays in the app: tell its program to read /workspace/{source}")
    return default("the whole folder is the app, but for what .dockerignore leaves out")


def _is_apps(step: Step, sources: list[str], target: str) -> bool:
    """Whether a place that looks like the system's is the app's folder, like /usr/src/app."""
    whole = any(posixpath.normpath(source.lstrip("/") or ".") == "." for source in sources)
    below = f"{target}/".startswith(f"{step.workdir.rstrip('/')}/") and step.workdir != "/"
    return whole or below or target.startswith("/usr/src/")


def other(findings: Findings, paths: Paths, step: Step) -> Answer:
    """All others; CMD and ENTRYPOINT of the image are judged together."""
    each = step.instruction
    if each.keyword == "ENV":
        return _env(findings, paths, step)
    if each.keyword == "LABEL":
        given = assignments(each.value, step.values, each.escape)
        wrong = [name for name in given if name.startswith("io.buildpacks.") or not given[name]]
        findings.labels.update({name: given[name] for name in given if name not in wrong})
        return covered("business-tags.yaml")
    if each.keyword == "MAINTAINER":
        findings.labels["maintainer"] = each.value
        return covered("business-tags.yaml")
    if each.keyword == "USER":
        root = each.value.split(":")[0] in ("root", "0")
        return default(
            "root is for the installation; an image runs as user 1000"
            if root
            else "an image runs as user 1000"
        )
    if each.keyword == "STOPSIGNAL":
        known = each.value.upper() in ("SIGTERM", "15")
        return default("SIGTERM it is") if known else needs("say it where the image runs")
    if each.keyword == "HEALTHCHECK" and each.value.upper() != "NONE":
        return needs("a probe belongs where the image runs: Kubernetes, Compose, Cloud Run")
    if each.keyword == "ONBUILD":
        return needs("this is an image for others: make a buildpack or a binding of it")
    return default(_DEFAULTS[each.keyword])


def _env(findings: Findings, paths: Paths, step: Step) -> Answer:
    each = step.instruction
    given = assignments(each.value, step.values, each.escape)
    kept, open_values = [], []
    for name, value in given.items():
        if _ENV_DEFAULT.fullmatch(name) or (name == "TZ" and value in ("UTC", "Etc/UTC")):
            continue
        if name == "PYTHONPATH":
            moved = [_moved(paths, part) for part in value.split(":") if "$" not in part]
            inside = [part for part in moved if part.startswith("/workspace")]
            if not inside:
                continue
            value = ":".join(dict.fromkeys(inside))
        else:
            value = _moved(paths, value)
        if "$" in value:
            open_values.append(name)
            continue
        findings.image_env[name] = value
        kept.append(name)
    if open_values:
        return needs(
            f"say in project.toml, as BPE_DEFAULT_…, what this is: {', '.join(open_values)}"
        )
    if not kept:
        return default("set by the buildpacks, or for the installation only")
    return covered(f"project.toml: {', '.join(kept)}")


def _moved(paths: Paths, value: str) -> str:
    if not value.startswith("/") or " " in value:
        return value
    path = paths.of(value)
    if path is None:
        return value
    return f"/workspace/{path}".rstrip("/")


def _from_stage(paths: Paths, step: Step, sources: list[str], target: str) -> Answer:
    name = (step.instruction.flag("from") or "").lower()
    known = {source.split("/")[-1] for source in sources}
    if "uv" in known or "uvx" in known or "astral-sh/uv" in name:
        return default("the uv buildpack brings uv")
    if any(
        word in " ".join(sources)
        for word in (
            "site-packages",
            "venv",
            "/usr/local",
            "wheels",
            ".local",
            "/install",
            "/opt/conda",
            "/deps",
            "dist-packages",
            "__pypackages__",
        )
    ):
        return default("packages are in layers of their own")
    path = paths.of(sources[0])
    if path is not None:
        paths.copy([path or "."], target, step.workdir)
        return default("it is in the app")
    return needs(
        f"what stage {name} makes has to be in the app's folder: by .cnbkit/pre-build, or committed"
    )


def _words(step: Step) -> list[str]:
    instruction = step.instruction
    if instruction.words is not None:
        return list(instruction.words)
    return split(instruction.value, step.values, instruction.escape)


def _there(paths: Paths, name: str) -> bool:
    clean = name.strip("/") or "."
    if any(char in clean for char in "*?["):
        # To Docker two stars are one: neither leads into folders below.
        pattern = re.sub(r"\*+", "*", clean)
        try:
            return any(True for _ in paths.context.glob(pattern))
        except (ValueError, NotImplementedError):
            return False
    return (paths.context / clean).exists()


def _listed(paths: Paths) -> str:
    texts = []
    for name in ("requirements.txt", "requirements.in", "environment.yml", "environment.yaml"):
        file = paths.context / name
        if file.is_file():
            texts.append(beginning(file, 1 << 20).replace("- ", ""))
    return "\n".join(texts)


_DEFAULTS = {
    "ARG": "its default is used; BP_ variables are a build's arguments",
    "WORKDIR": "the app's folder is /workspace",
    "EXPOSE": "whoever runs the image says which ports are open",
    "HEALTHCHECK": "there is none",
    "SHELL": "commands are run by bash",
    "VOLUME": "whoever runs the image mounts it",
}
