"""Tools that install a project by its lock, in a RUN: uv, Poetry, Pipenv, PDM, conda."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cnbkit_engine.adopt.findings import add
from cnbkit_engine.adopt.run_pip import pip
from cnbkit_engine.adopt.site import covered, default, needs

if TYPE_CHECKING:
    from cnbkit_engine.adopt.site import Answer, Site

__all__ = ["conda", "project_tool", "without_runner"]

_LOCKS = {
    "poetry": "poetry.lock",
    "pipenv": "Pipfile.lock",
    "uv": "uv.lock",
    "pdm": "pdm.lock",
}
_INSTALLS = {
    "poetry": ("install", "sync"),
    "pipenv": ("install", "sync"),
    "uv": ("sync",),
    "pdm": ("install", "sync"),
}
_CONDA_VALUES = ("-n", "--name", "-p", "--prefix", "-c", "--channel", "-f", "--file", "--solver")
_RUN_VALUES = ("-n", "--name", "-p", "--prefix", "--cwd")


def project_tool(site: Site, words: list[str]) -> Answer:
    """poetry, pipenv, uv and pdm."""
    tool = words[0]
    rest = [word for word in words[1:] if not word.startswith("-")]
    action = rest[0] if rest else ""
    if tool == "uv" and action == "pip":
        return pip(site, words[words.index("pip") :])
    if tool == "uv" and action == "python":
        version = next((word for word in rest if re.fullmatch(r"3\.\d+(\.\d+)?", word)), "")
        site.findings.python = version or site.findings.python
        return covered(f".python-version: {version}") if version else default("python buildpack")
    if tool == "poetry" and action == "add":
        return needs("add it to pyproject.toml: poetry add, then commit both files")
    if tool == "pipenv" and action == "install" and len(rest) > 1:
        return needs("add it to Pipfile: pipenv install, then commit both files")
    if action not in _INSTALLS[tool]:
        return default(f"{tool}'s settings and lists are not needed in a build")
    site.findings.locked.append(tool)
    _groups(site, words)
    lock = _LOCKS[tool]
    if tool in ("poetry", "pipenv") and not _there(site, lock):
        return needs(f"there is no {lock}: run `{tool} lock` and commit it")
    return covered(lock if _there(site, lock) else "pyproject.toml")


def conda(site: Site, words: list[str]) -> Answer:
    """conda, mamba and micromamba."""
    rest = words[1:]
    actions = [word for word in rest if not word.startswith("-")]
    action = actions[0] if actions else ""
    file = _value(rest, "-f", "--file")
    if (action == "env" and file) or (action in ("create", "update", "install") and file):
        return _environment(site, str(file))
    if action not in ("install", "create"):
        return default("there is one environment, and it is on PATH")
    for channel in _values(rest, "-c", "--channel"):
        add(site.findings.channels, channel)
    names = [word for word in _plain(rest) if word != action]
    for name in names:
        version = re.fullmatch(r"python[=]+(\d+\.\d+)[.*\d]*", name)
        if version:
            site.findings.python = version[1]
        add(site.findings.conda, name)
    file = site.findings.environment or "environment.yml"
    return covered(file) if names else default("the environment is made by it")


def without_runner(words: list[str]) -> list[str]:
    """A command without what starts it in an environment: the image has one, and it is on PATH."""
    if words[:1] and words[0] in ("tini", "dumb-init", "exec", "gosu", "sudo"):
        rest = words[1:]
        while rest and rest[0].startswith("-"):
            rest = rest[1:]
        return without_runner(rest[1:] if words[0] == "gosu" else rest)
    if len(words) < 3 or words[1] != "run":
        return words
    if words[0] in ("conda", "mamba", "micromamba"):
        rest = words[2:]
        while rest and rest[0].startswith("-"):
            rest = rest[2:] if rest[0] in _RUN_VALUES else rest[1:]
        return rest
    if words[0] in _LOCKS:
        rest = words[2:]
        while rest and rest[0].startswith("-"):
            rest = rest[1:]
        return rest
    return words


def _environment(site: Site, file: str) -> Answer:
    path = site.app_path(file)
    if path is None or not site.exists(path):
        return needs(f"{file} is not a file of the app: commit it as environment.yml")
    site.findings.locked.append("conda")
    site.findings.environment = path
    if path not in ("environment.yml", "environment.yaml"):
        site.findings.build_env["BP_CONDA_INPUT"] = path
    return covered(path)


def _groups(site: Site, words: list[str]) -> None:
    extras = _values(words, "--extra", "--extras", "-E", "-G")
    groups = _values(words, "--group", "--with")
    for name, found in (("BP_PYTHON_EXTRAS", extras), ("BP_PYTHON_GROUPS", groups)):
        if found:
            site.findings.build_env[name] = ",".join(found).replace(" ", ",")


def _there(site: Site, lock: str) -> bool:
    return site.exists(site.in_app(lock) or lock) or site.exists(lock)


def _value(words: list[str], *names: str) -> str | None:
    found = _values(words, *names)
    return found[-1] if found else None


def _values(words: list[str], *names: str) -> list[str]:
    found = []
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        if word in names and place + 1 < len(words):
            found.append(words[place + 1])
        elif equals and name in names:
            found.append(value)
    return found


def _plain(words: list[str]) -> list[str]:
    found, skip = [], False
    for word in words:
        if skip or word in _CONDA_VALUES:
            skip = not skip
        elif not word.startswith("-"):
            found.append(word)
    return found
