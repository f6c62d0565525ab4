"""What the buildpacks after this one are told: the interpreter, and pip's part of the input."""

from __future__ import annotations

import json
import os
import shlex

from cnbkit import BuildContext, Log, OpenLayer, PythonBuild
from cnbkit_conda.choice import Input
from cnbkit_conda.kept import Kept
from cnbkit_conda.prefix import prefix_of, site_packages
from cnbkit_conda.provided import describe_installed

__all__ = ["describe"]

_REQUIREMENTS = "requirements.txt"
_PATHS = ("-e", "--editable", "-r", "--requirement", "-c", "--constraint", "-f", "--find-links")


def describe(
    ctx: BuildContext, chosen: Input, kept: Kept, choice: OpenLayer, environment: str
) -> PythonBuild:
    """What later buildpacks are told.

    Args:
        ctx: the build.
        chosen: the input.
        kept: its packages.
        choice: the layer for files that this names.
        environment: directory of the environment's layer; need not be there.
    """
    pip = kept.lines("pip")
    python = kept.version("python")
    told = PythonBuild(
        conda_file=chosen.name, conda_packages=f"{kept.directory}/packages", inputs=[]
    )
    if not python:
        ctx.log.info("No Python in this environment")
        return told
    prefix = prefix_of(environment)
    site = site_packages(prefix, python)
    told = told.replace(
        python=f"{prefix}/bin/python",
        python_version=_full(python),
        python_site=site,
        python_restore=_restore_program(ctx, choice),
    )
    ctx.log.info(f"Python {python}")
    provided = f"{kept.directory}/provided"
    if os.path.isdir(site):  # else it is as it was
        describe_installed(site, provided)
    if chosen.kind == "environment":
        # What of it pip finds in place it does not install again.
        told = told.replace(inputs=_requirements(ctx, chosen, pip, choice), conda_wheels=provided)
    elif pip:
        path = f"{choice.directory}/pylock.toml"
        _write_lock(path, [json.loads(entry) for entry in pip])
        told = told.replace(lock=path, inputs=[chosen.name])
        ctx.log.info(f"For pip, of {chosen.name}: {Log.counted(len(pip), 'package')}")
    return told


def _full(version: str) -> str:
    return version if version.count(".") > 1 else f"{version}.0"


def _requirements(ctx: BuildContext, chosen: Input, pip: list[str], choice: OpenLayer) -> list[str]:
    """The file with what pip is to install; none if there is nothing."""
    if pip:
        # Each in the line it has in the environment file, so that faults name the right one.
        lines: list[str] = []
        for entry in pip:
            number, _, text = entry.partition(" ")
            lines += [""] * (int(number) - len(lines) - 1)
            lines.append(_absolute(text, ctx.app.root))
        path = f"{choice.directory}/{os.path.basename(chosen.name)}.txt"
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))
        ctx.log.info(f"For pip, of its section: {Log.counted(len(pip), 'requirement')}")
        return [path]
    if ctx.app.has(_REQUIREMENTS):
        ctx.log.info(f"{chosen.name} has no pip section: {_REQUIREMENTS} is taken for it")
        return [_REQUIREMENTS]
    return []


def _absolute(text: str, root: str) -> str:
    """A requirement with the paths in it made absolute: it is read from another folder."""
    words = text.split(None, 1)
    if words[0] in _PATHS and len(words) > 1:
        return f"{words[0]} {_path(words[1], root)}"
    option, sign, rest = text.partition("=")
    if sign and option in _PATHS:
        return f"{option}={_path(rest, root)}"
    for short in ("-r", "-c", "-e", "-f"):
        if text.startswith(short) and not text.startswith("--") and len(text) > 2:
            return f"{short} {_path(text[2:].strip(), root)}"
    name = _before_extras(text)
    # `vendor/foo.whl` is a path as well; a name is one only with a slash in it.
    there = "/" in name and "://" not in name and os.path.exists(os.path.join(root, name))
    return _path(text, root) if text.startswith(".") or there else text


def _before_extras(text: str) -> str:
    """A path without `[extra]`, ` ; marker` and comment."""
    return text[: next((at for at, char in enumerate(text) if char in "[; #"), len(text))]


def _path(text: str, root: str) -> str:
    if "://" in text or text.startswith("/"):
        return text
    path = _before_extras(text)
    return os.path.normpath(os.path.join(root, path)) + text[len(path) :]


def _write_lock(path: str, entries: list[dict[str, str]]) -> None:
    """A pylock.toml (PEP 751) with what a lock has of pip's packages.

    Without addresses where there is a checksum: the pip buildpack finds the file in whatever
    index it is told to use.
    """
    import tomli_w

    packages: list[dict[str, object]] = []
    for entry in sorted(entries, key=lambda each: each["name"]):
        package: dict[str, object] = {"name": _normalised(entry["name"])}
        if os.path.isfile(entry.get("path", "")):
            hashes = {"sha256": entry["sha256"]} if "sha256" in entry else {}
            package["archive"] = {"path": entry["path"], "hashes": hashes}
        elif "path" in entry:
            package["directory"] = {"path": entry["path"], "editable": True}
        else:
            package["version"] = entry["version"]
            package |= _file(entry)
        packages.append(package)
    document = {"lock-version": "1.0", "created-by": "cnbkit", "packages": packages}
    with open(path, "wb") as file:
        tomli_w.dump(document, file)


def _file(entry: dict[str, str]) -> dict[str, object]:
    url, _, fragment = entry["url"].partition("#")
    if url.startswith("git+"):
        # pixi's `…?rev=main#<commit>`, conda-lock's `…@<commit>`
        address, _, commit = url.removeprefix("git+").rpartition("@")
        if fragment:
            address, commit = url.removeprefix("git+").partition("?")[0], fragment
        return {"vcs": {"type": "git", "url": address, "commit-id": commit}}
    name = url.rpartition("/")[2]
    hashes = {"sha256": entry["sha256"]} if "sha256" in entry else {}
    file = {"name": name, "hashes": hashes}
    return {"wheels": [file]} if name.endswith(".whl") else {"sdist": file}


def _restore_program(ctx: BuildContext, choice: OpenLayer) -> str:
    """A program that makes the environment for those who find that it is not there."""
    path = f"{choice.directory}/restore"
    variables = {
        "CNB_BUILDPACK_DIR": str(ctx.buildpack_dir),
        "CNB_LAYERS_DIR": os.path.dirname(ctx.scratch),
        "CNB_BP_PLAN_PATH": ctx.env.get("CNB_BP_PLAN_PATH", "/dev/null"),
        "CNBKIT_CONDA_RESTORE": "1",
    }
    given = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    program = shlex.quote(f"{ctx.buildpack_dir}/bin/build")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n{given}exec {program}\n")
    os.chmod(path, 0o755)
    return path


def _normalised(name: str) -> str:
    """A project name in its one spelling (PEP 503)."""
    for separator in "_.":
        name = name.replace(separator, "-")
    while "--" in name:
        name = name.replace("--", "-")
    return name.lower()
