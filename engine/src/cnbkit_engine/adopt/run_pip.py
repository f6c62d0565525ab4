"""pip in a RUN: which files and packages are installed, from where."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cnbkit_engine.adopt.base_image import cuda_word
from cnbkit_engine.adopt.findings import add
from cnbkit_engine.adopt.site import covered, default, needs

if TYPE_CHECKING:
    from cnbkit_engine.adopt.site import Answer, Site

__all__ = ["pip"]

_SHORT = {"-r": "file", "-c": "constraint", "-e": "editable", "-i": "index", "-f": "links"}
_LONG = {
    "--requirement": "file",
    "--requirements": "file",
    "--constraint": "constraint",
    "--editable": "editable",
    "--index-url": "index",
    "--default-index": "index",
    "--extra-index-url": "extra",
    "--index": "extra",
    "--find-links": "links",
}
_SKIPPED = {
    *(
        "--timeout",
        "--default-timeout",
        "--retries",
        "--trusted-host",
        "--progress-bar",
        "--target",
    ),
    *(
        "--root-user-action",
        "--cache-dir",
        "--python",
        "--prefix",
        "--src",
        "--proxy",
        "--platform",
    ),
    *("--global-option", "--config-settings", "--only-binary", "--no-binary", "--python-version"),
    *("--upgrade-strategy", "--index-strategy", "--prerelease", "--link-mode", "-t", "-C", "-p"),
    *("--exists-action", "--implementation", "--abi", "--install-option", "--report", "--log"),
}
_TOOLS = {
    *("pip", "setuptools", "wheel", "build", "virtualenv", "uv", "pipenv", "poetry", "pdm"),
    *(
        "pip-tools",
        "hatch",
        "poetry-core",
        "poetry-plugin-export",
        "pipx",
        "conda-lock",
        "hatchling",
    ),
}
# The index that is asked anyway.
_PUBLIC = re.compile(r"https?://pypi\.(?:python\.)?org/")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass
class _Asked:
    files: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    editable: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    index: str = ""
    extra: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)


def pip(site: Site, words: list[str]) -> Answer:
    """`pip ACTION …`."""
    action = next((word for word in words[1:] if not word.startswith("-")), "")
    rest = words[words.index(action) + 1 :] if action else []
    if action in ("install", "sync", "wheel"):
        return _install(site, _asked(rest, synced=action == "sync"))
    if action == "config":
        return _config(site, rest)
    if action == "uninstall":
        return needs("leave it out of the requirements instead")
    if action == "download":
        return needs("packages are fetched when they are installed; a mirror is BP_PIP_INDEX_URL")
    return default("nothing is installed by it")


def _install(site: Site, asked: _Asked) -> Answer:
    found = site.findings
    if asked.files or asked.editable or not _only_tools(asked):
        where, wrong = _sources(site, asked)
    else:
        return default("the buildpacks bring installers of their own")
    for name in asked.files:
        path = site.app_path(name)
        if path is None or not site.exists(path):
            wrong.append(
                f"{name} is not a file of the app: write what it has into requirements.txt"
            )
        else:
            add(found.requirements, path)
            where.append(path)
    for name in asked.constraints:
        path = site.app_path(name)
        if path is None:
            wrong.append(f"the constraints {name} are not a file of the app")
        else:
            add(found.packages, f"-c {path}")
    for name in (*asked.editable, *asked.packages):
        _package(site, name, asked, where, wrong)
    if "--no-deps" in asked.flags and asked.packages:
        wrong.append("installed with what it requires; if it must not be, leave it out")
    if wrong:
        return needs("; ".join(wrong))
    return covered(", ".join(dict.fromkeys(where)) or "requirements")


def _package(site: Site, name: str, asked: _Asked, where: list[str], wrong: list[str]) -> None:
    found = site.findings
    if "$" in name:
        wrong.append(f"say in requirements.txt what this is: {name}")
        return
    bare, bracket, extras = name.partition("[")
    if bare.startswith((".", "/")):
        path = site.app_path(bare)
        if path is None and bare in (".", "./") and not site.cwd.startswith("/tmp"):  # noqa: S108 - of an image
            path = site.in_app(".")
        if path is None or not site.exists(path):
            wrong.append(f"{bare} is not a folder of the app: name it by an address, git+https://…")
        elif path in ("", "."):
            found.locked.append("project")
            if bracket:
                found.build_env["BP_PYTHON_EXTRAS"] = extras.rstrip("]").replace(" ", "")
            where.append("the project itself")
        else:
            add(
                found.packages,
                f"{'-e ' if name in asked.editable else ''}./{path}{bracket}{extras}",
            )
            where.append("requirements")
        return
    project = _NAME.match(name)
    if project and project[0].lower() in _TOOLS and name == project[0]:
        return
    add(found.packages, f"-e {name}" if name in asked.editable else name)
    where.append("requirements")


def _sources(site: Site, asked: _Asked) -> tuple[list[str], list[str]]:
    """Indexes: by what they are replaced, and what is wrong."""
    found, where, wrong = site.findings, [], []
    for address in (asked.index, *asked.extra, *asked.links):
        if not address:
            continue
        torch = re.search(
            r"download\.pytorch\.org/whl/(?:nightly/)?(?:torch_stable|(\w+?)(\d*))(?:[./]|$)",
            address,
        )
        if torch and torch[1]:
            word = _torch_word(torch[1], torch[2], address)
            if word:
                found.hardware = word
                where.append(f"hardware.txt: {word}")
        elif torch or _PUBLIC.match(address):
            continue
        elif "@" in address.partition("://")[2].partition("/")[0] or "$" in address:
            wrong.append("an index with a login is a binding of type pip, see the pip buildpack")
        elif address in asked.links:
            add(found.packages, f"--find-links {address}")
        elif address == asked.index:
            found.build_env["BP_PIP_INDEX_URL"] = address
            where.append("project.toml: BP_PIP_INDEX_URL")
        else:
            before = found.build_env.get("BP_PIP_EXTRA_INDEX_URLS", "")
            if address not in before.split(","):
                found.build_env["BP_PIP_EXTRA_INDEX_URLS"] = f"{before},{address}".strip(",")
            where.append("project.toml: BP_PIP_EXTRA_INDEX_URLS")
    return where, wrong


def _torch_word(kind: str, digits: str, address: str) -> str:
    if kind == "cu" and len(digits) >= 3:
        return cuda_word(f"{digits[:-1]}.{digits[-1]}")
    if kind == "rocm":
        version = re.search(r"rocm(\d+\.\d+)", address)
        return f"rocm:{version[1]}" if version else "rocm"
    return kind if kind in ("cpu", "xpu") else ""


def _config(site: Site, words: list[str]) -> Answer:
    if "set" in words and any(word.endswith("index-url") for word in words):
        name = "BP_PIP_EXTRA_INDEX_URLS" if "extra" in " ".join(words) else "BP_PIP_INDEX_URL"
        site.findings.build_env[name] = words[-1]
        return covered(f"project.toml: {name}")
    return default("the pip buildpack's settings are BP_PIP_… variables")


def _only_tools(asked: _Asked) -> bool:
    names = [_NAME.match(name) for name in asked.packages]
    return all(match and match[0].lower() in _TOOLS for match in names)


def _asked(words: list[str], *, synced: bool) -> _Asked:
    asked = _Asked()
    place = 0
    while place < len(words):
        word = words[place]
        place += 1
        name, equals, value = word.partition("=")
        kind = _LONG.get(name) or _SHORT.get(word[:2] if not word.startswith("--") else "")
        if kind and word.startswith("--"):
            given = bool(equals)
        elif kind:
            value, given = word[2:].lstrip("="), len(word) > 2
        elif name in _SKIPPED:
            place += not equals
            continue
        elif word.startswith("-"):
            asked.flags.add(word)
            continue
        else:
            (asked.files if synced else asked.packages).append(word)
            continue
        if not given:
            value = words[place] if place < len(words) else ""
            place += 1
        _put(asked, kind, value)
    return asked


def _put(asked: _Asked, kind: str, value: str) -> None:
    if kind == "index":
        asked.index = value
        return
    lists = {
        "file": asked.files,
        "constraint": asked.constraints,
        "editable": asked.editable,
        "extra": asked.extra,
        "links": asked.links,
    }
    lists[kind].append(value)
