"""conda's inputs: what is in the prefix is what conda's own solver and installer put there.

The oracle is rattler by itself, told what the file says in its own words, of which no line of the
buildpack is a part: solved strictly by the order of channels, or installed as a lock has it.
"""

from __future__ import annotations

import asyncio
import json
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
from ..e2e.channel import SUBDIR
from .cases import tiered_values

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit.testing import BuildpackRun

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
