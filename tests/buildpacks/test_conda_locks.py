"""Environments that are resolved already: explicit lists, conda-lock, pixi.lock."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rattler import LockChannel, LockFile, LockPlatform, RepoDataRecord

from cnbkit_conda import Conda

from ..e2e.channel import MACHINE_PYTHON, SUBDIR
from .conda_channel import OTHER, address, channels, checksum, environment, fault, packages
from .told import heard

if TYPE_CHECKING:
    from cnbkit.testing import BuildpackRun

__all__ = ["channels"]


def test_an_explicit_list_is_installed_as_it_is(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    tool, python = address(channels, "tool"), address(channels, "python")
    hello = address(channels, "hello-2", "noarch")
    text = (
        f"# platform: {SUBDIR}\n@EXPLICIT\n{python}#{checksum(python, 'md5')}\n"
        f"{tool}#sha256:{checksum(tool)}\n{hello}\n"
    )
    result = buildpack_run(Conda, app={"explicit.txt": text})
    assert packages(result) == {"python": MACHINE_PYTHON, "tool": "1.0", "hello": "2.0"}
    assert "Warning: explicit.txt: no checksum for hello" in result.log
    assert heard(result.build_env()).inputs == []
    named = {f"conda-{SUBDIR}.lock": text, f"conda-{OTHER}.lock": text}
    assert buildpack_run(Conda, app=named, phases=["detect"]).reason == f"found conda-{SUBDIR}.lock"

    wrong = text.replace(checksum(tool), "0" * 64)
    assert "is not the file it should be" in fault(
        buildpack_run(Conda, app={"explicit.txt": wrong})
    )
    foreign = text.replace(f"/{SUBDIR}/", "/osx-arm64/") + "x\n"
    shown = fault(buildpack_run(Conda, app={"explicit.txt": foreign}))
    assert f"explicit.txt:3: packages for osx-arm64, and this image is {SUBDIR}" in shown
    assert "explicit.txt:6: 'x' is not an address of a conda package" in shown


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("http://[bad/linux-64/tool-1.0-0.conda", "is not an address of a conda package"),
        ("http://h/linux-64/t\0ool-1.0-0.conda", "is not an address of a conda package"),
        ("http://h/linux-64/tool.conda", "is not name-version-build"),
        ("http://h/linux-64/tool-1.conda", "is not name-version-build"),
        ("http://h/linux-64/tool-!!-0.conda", "is not name-version-build"),
        ("http://h/linux-64/tool-1.0-0.conda#" + "g" * 32, "is neither an MD5 nor a SHA-256 sum"),
    ],
)
def test_a_line_of_an_explicit_list_that_is_none_is_named(
    buildpack_run: BuildpackRun, line: str, said: str
) -> None:
    text = f"@EXPLICIT\n{line.replace('linux-64', SUBDIR)}\n"
    shown = fault(buildpack_run(Conda, app={"explicit.txt": text}))
    assert said in shown
    assert "explicit.txt:2" in shown


CONDA_LOCK = """
version: 1
metadata:
  content_hash: {{{subdir}: abc}}
  channels: [{{url: conda-forge, used_env_vars: []}}]
  platforms: [{subdir}]
  sources: [environment.yml]
package:
"""
ENTRY = """
- name: {name}
  version: '{version}'
  manager: {manager}
  platform: {subdir}
  dependencies: {{}}
  url: {url}
  hash: {{md5: {md5}, sha256: {sha256}}}
  category: {category}
  optional: {optional}
"""


def conda_lock(channels: Path, subdir: str = SUBDIR) -> str:
    text = CONDA_LOCK.format(subdir=subdir)
    for name, version, of, category in (
        ("python", MACHINE_PYTHON, address(channels, "python"), "main"),
        ("tool", "1.0", address(channels, "tool"), "main"),
        ("hello", "2.0", address(channels, "hello-2", "noarch"), "dev"),
    ):
        text += ENTRY.format(
            name=name,
            version=version,
            manager="conda",
            subdir=subdir,
            url=of,
            md5=checksum(of, "md5"),
            sha256=checksum(of),
            category=category,
            optional=str(category != "main").lower(),
        )
    return text + ENTRY.format(
        name="six",
        version="1.17.0",
        manager="pip",
        subdir=subdir,
        url="https://files.example.com/six-1.17.0-py2.py3-none-any.whl",
        md5="0" * 32,
        sha256="ab" * 32,
        category="main",
        optional="false",
    )


def test_a_conda_lock_without_what_is_for_development(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    app = {"conda-lock.yml": conda_lock(channels), "environment.yml": "dependencies: [never]\n"}
    result = buildpack_run(Conda, app=app)
    assert packages(result).keys() == {"python", "tool"}
    assert "Packages of dev are left out" in result.log
    # pip's part, for whatever index the pip buildpack is told to use.
    told = heard(result.build_env())
    assert told.inputs == ["conda-lock.yml"]
    lock = tomllib.loads(Path(told.lock).read_text())
    wheel = {"name": "six-1.17.0-py2.py3-none-any.whl", "hashes": {"sha256": "ab" * 32}}
    assert lock["packages"] == [{"name": "six", "version": "1.17.0", "wheels": [wheel]}]
    assert packages(result.rebuild(exec_env="test")).keys() == {"python", "tool", "hello"}
    more = result.rebuild(env={"BP_PYTHON_GROUPS": "dev"})
    assert packages(more).keys() == {"python", "tool", "hello"}
    by_process = {"BP_PYTHON_GROUPS": None, "BP_PROCESS_GROUPS": "web=dev"}
    more = result.rebuild(env=by_process)
    assert packages(more).keys() == {"python", "tool", "hello"}
    assert heard(more.build_env()).groups == ["dev"]
    by_process["BP_PROCESS_GROUPS"] = None
    assert packages(result.rebuild(env=by_process)).keys() == {"python", "tool"}
    assert "has no category docs" in fault(result.rebuild(env={"BP_PYTHON_GROUPS": "docs"}))
    shown = fault(result.rebuild(app={"conda-lock.yml": conda_lock(channels, OTHER)}))
    assert f"conda-lock.yml has no packages for {SUBDIR}" in shown
    for text in ("version: 1\n", "[", "version: 99\npackages: []\n", "\n"):
        assert "conda-lock.yml" in fault(result.rebuild(app={"conda-lock.yml": text}))


async def record(url: str) -> RepoDataRecord:
    made = await RepoDataRecord.from_package_archive(url.removeprefix("file://"))
    made.url, made.channel = url, url.rsplit("/", 2)[0]
    return made


def test_an_environment_of_a_pixi_lock(
    buildpack_run: BuildpackRun, channels: Path, tmp_path: Path
) -> None:
    import asyncio

    platform = LockPlatform(SUBDIR)
    lock = LockFile([platform])
    for name, names in (("default", ["tool"]), ("gpu", ["tool", "vision"])):
        lock.set_channels(name, [LockChannel((channels / "conda-forge").as_uri())])
        for each in names:
            url = address(channels, "vision-1.0-cpu" if each == "vision" else each)
            lock.add_conda_package(name, platform, asyncio.run(record(url)))
    lock.to_path(tmp_path / "pixi.lock")
    app = {"pixi.lock": (tmp_path / "pixi.lock").read_text()}
    result = buildpack_run(Conda, app=app)
    assert packages(result) == {"tool": "1.0"}
    gpu = result.rebuild(env={"BP_CONDA_ENVIRONMENT": "gpu"})
    assert packages(gpu) == {"tool": "1.0", "vision": "1.0"}
    shown = fault(result.rebuild(env={"BP_CONDA_ENVIRONMENT": "docs"}))
    assert "pixi.lock has no environment docs" in shown
    assert "to do: set it to one of: default, gpu" in shown


PIXI_LOCK = """
version: 6
environments:
  default:
    channels: [{{url: {channel}}}]
    indexes: [https://index.example.com/simple]
    packages:
      {subdir}:
      - conda: {python}
      - pypi: ./
      - pypi: git+https://example.com/why.git?rev=main#{commit}
      - pypi: https://files.example.com/six-1.17.0-py2.py3-none-any.whl
packages:
- conda: {python}
  subdir: {subdir}
  sha256: {sha256}
- pypi: ./
  name: Demo_App
  version: 0.1.0
- pypi: git+https://example.com/why.git?rev=main#{commit}
  name: why
  version: 1.0.0
- pypi: https://files.example.com/six-1.17.0-py2.py3-none-any.whl
  name: six
  version: 1.17.0
  sha256: {wheel}
"""


def test_packages_of_pip_in_a_pixi_lock(buildpack_run: BuildpackRun, channels: Path) -> None:
    python = address(channels, "python")
    text = PIXI_LOCK.format(
        channel=(channels / "conda-forge").as_uri(),
        subdir=SUBDIR,
        python=python,
        sha256=checksum(python),
        commit="c" * 40,
        wheel="ab" * 32,
    )
    result = buildpack_run(Conda, app={"pixi.lock": text})
    assert packages(result) == {"python": MACHINE_PYTHON}
    lock = tomllib.loads(Path(heard(result.build_env()).lock).read_text())
    git = {"type": "git", "url": "https://example.com/why.git", "commit-id": "c" * 40}
    wheel = {"name": "six-1.17.0-py2.py3-none-any.whl", "hashes": {"sha256": "ab" * 32}}
    assert lock["packages"] == [
        {"name": "demo-app", "directory": {"path": str(result.app), "editable": True}},
        {"name": "six", "version": "1.17.0", "wheels": [wheel]},
        {"name": "why", "version": "1.0.0", "vcs": git},
    ]


def test_files_that_contradict_each_other(buildpack_run: BuildpackRun, channels: Path) -> None:
    app = {"conda-lock.yml": "x", "pixi.lock": "y", **environment(channels, "tool")}
    shown = fault(buildpack_run(Conda, app=app))
    assert "more than one file with the environment: conda-lock.yml and pixi.lock" in shown
    chosen = buildpack_run(Conda, app=app, env={"BP_CONDA_INPUT": "environment.yml"})
    assert packages(chosen) == {"tool": "1.0"}
    assert "there is no file x.yml" in fault(
        buildpack_run(Conda, app=app, env={"BP_CONDA_INPUT": "x.yml"})
    )
    two = dict.fromkeys(("environment.yml", "environment.yaml"), "dependencies: []\n")
    assert "more than one file" in fault(buildpack_run(Conda, app=two))


def test_a_list_that_was_rendered_of_the_lock_does_not_contradict_it(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    tool, listed = address(channels, "tool"), f"conda-{SUBDIR}.lock"
    text = f"@EXPLICIT\n{tool}#{checksum(tool, 'md5')}\n"
    result = buildpack_run(Conda, app={"conda-lock.yml": conda_lock(channels), listed: text})
    assert packages(result).keys() == {"python", "tool"}
    assert f"{listed}, made of it, not read" in result.log
    older = text.replace("tool-1.0", "tool-0.9")
    assert "more than one file" in fault(
        buildpack_run(Conda, app={"conda-lock.yml": conda_lock(channels), listed: older})
    )


# -- Python and pip ----------------------------------------------------------------------------
