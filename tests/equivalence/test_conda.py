"""conda's inputs: what is in the prefix is what conda's own solver and installer put there.

The oracle is rattler by itself, told what the file says in its own words, of which no line of the
buildpack is a part: solved strictly by the order of channels, or installed as a lock has it. What
of a conda-lock.yml is wanted is what conda-lock's own program says.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from rattler import (
    LockChannel,
    LockFile,
    LockPlatform,
    MatchSpec,
    RepoDataRecord,
    VirtualPackage,
    solve,
)
from rattler import install as link

from cnbkit_conda import Conda

from ..buildpacks.conda_channel import channels, packages
from ..buildpacks.told import heard
from ..e2e.channel import SUBDIR
from .cases import tiered_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnbkit.testing import BuildpackRun, Result

__all__ = ["channels"]


class Wanted(NamedTuple):
    """An environment.yml, and the same for the solver.

    Args:
        lines: of `dependencies`.
        specs: what the solver is asked for; the same lines if empty.
        order: names of channels.
    """

    lines: tuple[str, ...]
    specs: tuple[str, ...] = ()
    order: tuple[str, ...] = ("conda-forge",)


SOLVED = {
    "newest": Wanted(("hello",)),
    "a version": Wanted(("hello=1.0",)),
    "conda's fuzzy version": Wanted(("hello=1",)),
    "an exact version": Wanted(("hello==1.0",)),
    "a range": Wanted(("hello>=1,<2",)),
    "a range with spaces": Wanted(("hello >=1, <2",), ("hello >=1,<2",)),
    "alternatives": Wanted(("'hello 1.0|2.0'",), ("hello 1.0|2.0",)),
    "a star": Wanted(("hello 1.*",)),
    "another version than this": Wanted(("'hello !=2.0'",), ("hello !=2.0",)),
    "what another needs": Wanted(("needy",)),
    "compiled code": Wanted(("tool=1",)),
    "a build": Wanted(("vision=1.0=cpu_0",)),
    "a build by its beginning": Wanted(("vision=1.0=cpu*",)),
    "no accelerator here": Wanted(("vision",)),
    "a channel of its own": Wanted(
        ("conda-forge::hello", "rare"), ("hello", "rare"), ("conda-forge", "other")
    ),
    "the first channel wins": Wanted(("tool",), (), ("conda-forge", "other")),
    "the other order": Wanted(("tool",), (), ("other", "conda-forge")),
    "upper case": Wanted(("Hello=1",), ("hello=1",)),
    "Python and pip's section": Wanted(("python", "hello", "pip: [six]"), ("python", "hello")),
}


def own(records: list[RepoDataRecord], prefix: Path) -> dict[str, str]:
    """Install with rattler alone: name → version in the prefix."""
    cache = prefix.with_name("cache")
    asyncio.run(link(records, prefix, cache_dir=cache, show_progress=False))
    found = (json.loads(path.read_text()) for path in (prefix / "conda-meta").glob("*.json"))
    return {each["name"]: each["version"] for each in found}


def solved(channels: Path, wanted: Wanted) -> list[RepoDataRecord]:
    """What the solver says."""

    async def run() -> list[RepoDataRecord]:
        return await solve(
            [(channels / name).as_uri() for name in wanted.order],
            [MatchSpec(each, strict=False) for each in wanted.specs or wanted.lines],
            platforms=[SUBDIR, "noarch"],  # type: ignore[list-item]
            virtual_packages=VirtualPackage.detect(),
        )

    return asyncio.run(run())


@pytest.mark.parametrize("wanted", tiered_values(SOLVED))
def test_an_environment_file(
    buildpack_run: BuildpackRun, channels: Path, tmp_path: Path, wanted: Wanted
) -> None:
    order = json.dumps([(channels / name).as_uri() for name in wanted.order])
    lines = "".join(f"- {line}\n" for line in wanted.lines)
    for name in wanted.order:
        lines = lines.replace(f"{name}::", f"{(channels / name).as_uri()}::")
    result = buildpack_run(
        Conda, app={"environment.yml": f"channels: {order}\ndependencies:\n{lines}"}
    )
    assert result.code == 0, result.log
    assert packages(result) == own(solved(channels, wanted), tmp_path / "own")


@pytest.mark.full
@pytest.mark.parametrize("form", ["explicit", "pixi.lock"])
def test_a_lock(buildpack_run: BuildpackRun, channels: Path, tmp_path: Path, form: str) -> None:
    # Not the newest: a lock is not solved again.
    records = solved(channels, Wanted(("tool", "hello=1")))
    if form == "explicit":
        lines = "".join(f"{each.url}#{each.md5.hex()}\n" for each in records if each.md5)
        app = {"explicit.txt": f"@EXPLICIT\n{lines}"}
        assert lines.count("\n") == len(records)
    else:
        platform = LockPlatform(SUBDIR)
        lock = LockFile([platform])
        lock.set_channels("default", [LockChannel((channels / "conda-forge").as_uri())])
        for each in records:
            lock.add_conda_package("default", platform, each)
        lock.to_path(tmp_path / "pixi.lock")
        app = {"pixi.lock": (tmp_path / "pixi.lock").read_text()}
    result = buildpack_run(Conda, app=app)
    assert result.code == 0, result.log
    assert packages(result) == own(records, tmp_path / "own")


CONDA_LOCK = ("tool", "run", "--quiet", "--from", "conda-lock==4.*", "conda-lock")
# Package and manager, and its categories: conda-lock writes an entry for each.
LOCKED: dict[str, tuple[str, tuple[str, ...]]] = {
    "python": ("conda", ("main",)),
    "tool": ("conda", ("main",)),
    "hello": ("conda", ("dev", "docs")),
    "active": ("conda", ("docs", "serving_extra")),
    "free": ("conda", ("dev",)),
    "six": ("pip", ("main",)),
    "tabulate": ("pip", ("dev", "docs")),
    "idna": ("pip", ("dev",)),
}
SELECTED: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "no group": ("", "production", ("--no-dev-dependencies",)),
    "a group": ("docs", "production", ("--no-dev-dependencies", "-e", "docs")),
    "two groups": (
        "docs,serving-extra",
        "production",
        ("--no-dev-dependencies", "-e", "docs", "-e", "serving_extra"),
    ),
    "development": ("dev", "production", ("--dev-dependencies",)),
    "tests": ("", "test", ("--dev-dependencies",)),
}


def conda_lock(records: Sequence[RepoDataRecord]) -> str:
    """A lock as conda-lock writes it."""
    found = {each.name.normalized: each for each in records}
    assert found.keys() == {name for name, (manager, _) in LOCKED.items() if manager == "conda"}
    packages = [
        {
            **(_of_conda(found[name]) if manager == "conda" else _of_pip(name)),
            "name": name,
            "manager": manager,
            "platform": SUBDIR,
            "dependencies": {},
            "category": category,
            "optional": category != "main",
        }
        for name, (manager, categories) in LOCKED.items()
        for category in categories
    ]
    metadata = {
        "content_hash": {SUBDIR: "abc"},
        "channels": [{"url": "conda-forge", "used_env_vars": []}],
        "platforms": [SUBDIR],
        "sources": ["environment.yml"],
    }
    return json.dumps({"version": 1, "metadata": metadata, "package": packages})


def _of_conda(record: RepoDataRecord) -> dict[str, object]:
    assert record.md5
    assert record.sha256
    sums = {"md5": record.md5.hex(), "sha256": record.sha256.hex()}
    return {"version": str(record.version), "url": record.url, "hash": sums}


def _of_pip(name: str) -> dict[str, object]:
    address = f"https://files.test/{name}-1.0-py3-none-any.whl"
    return {"version": "1.0", "url": address, "hash": {"sha256": "ab" * 32}}


def rendered(folder: Path, options: Sequence[str]) -> tuple[set[str], set[str]]:
    """Addresses of conda's packages, and names of pip's, as conda-lock's own program has them."""
    uv = Path(sys.executable).with_name("uv")
    subprocess.run(
        [uv, *CONDA_LOCK, "render", "-k", "explicit", "-p", SUBDIR, *options],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    lines = (folder / f"conda-{SUBDIR}.lock").read_text().splitlines()
    assert "@EXPLICIT" in lines
    conda = {line.partition("#")[0] for line in lines if "://" in line and line[0] != "#"}
    return conda, {line.split()[2] for line in lines if line.startswith("# pip ")}


def pip_names(result: Result) -> set[str]:
    """What pip's part is told to install."""
    lock = heard(result.build_env()).lock
    found = tomllib.loads(Path(lock).read_text())["packages"] if lock else []
    return {each["name"] for each in found}


@pytest.mark.fetches
@pytest.mark.parametrize(
    ("groups", "environment", "options"),
    [pytest.param(*each, id=name, marks=pytest.mark.full) for name, each in SELECTED.items()],
)
def test_what_of_a_conda_lock_is_wanted(
    buildpack_run: BuildpackRun,
    channels: Path,
    tmp_path: Path,
    groups: str,
    environment: str,
    options: tuple[str, ...],
) -> None:
    wanted = Wanted(("python", "tool", "hello", "active", "free"))
    records = solved(channels, wanted)
    text = conda_lock(records)
    (tmp_path / "conda-lock.yml").write_text(text)
    conda, pip = rendered(tmp_path, options)
    env = {"BP_PYTHON_GROUPS": groups} if groups else {}
    result = buildpack_run(
        Conda, app={"conda-lock.yml": text}, env={**env, "CNB_EXEC_ENV": environment}
    )
    assert result.code == 0, result.log
    kept = [each for each in records if each.url in conda]
    assert len(kept) == len(conda)
    assert packages(result) == own(kept, tmp_path / "own")
    assert pip_names(result) == pip
