"""The files that replace a Dockerfile, as texts."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

from cnbkit_engine.adopt.text import beginning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cnbkit_engine.adopt.findings import Findings

__all__ = ["SCRIPTS", "written"]

SCRIPTS = (".cnbkit/pre-build", ".cnbkit/post-build")
"""Those that have to be executable."""

_IMAGE_REQUIREMENTS = "requirements-image.txt"
_VERSIONS = (".python-version", "runtime.txt", ".tool-versions", "mise.toml", ".mise.toml")


def written(findings: Findings, app: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Files that are not in the app yet; and texts for those that are, and stay as they are.

    Args:
        findings: of its Dockerfile.
        app: its folder.
    """
    files: dict[str, str] = {}
    merge: dict[str, str] = {}
    _inputs(findings, app, files)
    if findings.python and not any((app / name).exists() for name in _VERSIONS[1:]):
        files[".python-version"] = findings.python + "\n"
    if findings.hardware:
        files["hardware.txt"] = findings.hardware + "\n"
    if findings.apt:
        files["Aptfile"] = _lines(findings.apt)
    if findings.process and findings.process.folder:
        files["entrypoint.toml"] = (
            f"web = {{command = {json.dumps(findings.process.command, ensure_ascii=False)},"
            f" working-dir = {json.dumps(findings.process.folder)}}}\n"
        )
    elif findings.process:
        files["Procfile"] = f"web: {findings.process.command}\n"
    for name, lines in zip(SCRIPTS, (findings.pre_build, findings.post_build), strict=True):
        if lines:
            files[name] = _script(findings, lines)
    if findings.weights:
        files["weights.toml"] = "\n".join(_weights(findings))
    if findings.labels:
        files["business-tags.yaml"] = "".join(
            f"{name}: {json.dumps(value, ensure_ascii=False)}\n"
            for name, value in sorted(findings.labels.items())
        )
    if findings.image_env or findings.build_env:
        files["project.toml"] = _project(findings)
    for name in [name for name in files if (app / name).exists()]:
        text = files.pop(name)
        if text.strip() != beginning(app / name, 1 << 20).strip():
            merge[name] = text
    return files, merge


def _inputs(findings: Findings, app: Path, files: dict[str, str]) -> None:
    """What is installed from: a file of the app, or those that BP_PYTHON_INPUT names."""
    own = list(findings.packages)
    named = list(findings.requirements)
    if findings.conda and "conda" not in findings.locked:
        files["environment.yml"] = _environment(findings)
        findings.python = ""
        own, named = [], []
    if findings.environment and (findings.conda or own or named):
        # Said, and not written: the file is there.
        findings.python = ""
        files[findings.environment] = _environment(findings)
        return
    if "project" in findings.locked and (named or own):
        own.append("-e .")
    has_default = (app / "requirements.txt").exists()
    if own and not named and not has_default and not findings.locked:
        files["requirements.txt"] = _lines(own)
        return
    if own and not named and (table := _beside_lock(findings, own)) and (app / table[0]).exists():
        files[table[0]] = table[1]
        return
    if own and (named or not findings.locked):
        files[_IMAGE_REQUIREMENTS] = _lines(own)
        named.append(_IMAGE_REQUIREMENTS)
    if named and named != ["requirements.txt"]:
        findings.build_env["BP_PYTHON_INPUT"] = ",".join(named)


def _beside_lock(findings: Findings, own: list[str]) -> tuple[str, str] | None:
    """The file of a project with a lock, and what the Dockerfile installs besides the lock."""
    if "pipenv" in findings.locked:
        lines = [_pipfile_line(each) for each in own]
        return "Pipfile", _lines(["[packages]", *lines])
    if findings.locked:
        return "pyproject.toml", _lines(["[project]", f"dependencies = {json.dumps(own)}"])
    return None


def _pipfile_line(requirement: str) -> str:
    name = re.split(r"[<>=!~\[; ]", requirement, maxsplit=1)[0]
    version = requirement.removeprefix(name).strip()
    return f"{json.dumps(name)} = {json.dumps(version or '*')}"


def _environment(findings: Findings) -> str:
    channels = [name for name in findings.channels if name != "conda-forge"]
    lines = ["channels:", *(f"  - {name}" for name in (*channels, "conda-forge"))]
    names = list(findings.conda)
    if findings.python and not any(name.startswith("python=") for name in names):
        names.insert(0, f"python={findings.python}")
    lines += [
        "dependencies:",
        *(f"  - {json.dumps(name) if '*' in name else name}" for name in names),
    ]
    pips = [f"-r {name}" for name in findings.requirements]
    pips += [name for name in findings.packages if not name.startswith("-c")]
    if pips:
        lines += ["  - pip", "  - pip:", *(f"      - {json.dumps(name)}" for name in pips)]
    return _lines(lines)


def _script(findings: Findings, lines: list[str]) -> str:
    exports = [f"export {name}={shlex.quote(value)}" for name, value in findings.hook_env.items()]
    # No more than Docker's shell minds: there a variable that nobody has set is empty.
    return _lines(["#!/bin/bash", "set -e", *exports, *lines])


def _weights(findings: Findings) -> Iterator[str]:
    for each in findings.weights:
        yield "[[weights]]"
        yield f"uri = {json.dumps(each.uri)}"
        yield f"sha256 = {json.dumps(each.sha256)}"
        yield f"target = {json.dumps(each.target)}\n"


def _project(findings: Findings) -> str:
    lines = ["[_]", 'schema-version = "0.2"']
    variables = dict(findings.build_env)
    # `default`: what is set where the image runs counts, as with ENV.
    variables |= {f"BPE_DEFAULT_{name}": value for name, value in findings.image_env.items()}
    for name, value in variables.items():
        lines += ["", "[[io.buildpacks.build.env]]", f"name = {json.dumps(name)}"]
        lines.append(f"value = {json.dumps(value, ensure_ascii=False)}")
    return _lines(lines)


def _lines(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
