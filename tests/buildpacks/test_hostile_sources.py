"""Source archives that unpack to more than a disk holds, by bytes or by names."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from ..e2e.index import HostileIndex, sdist
from .test_hostile_wheels import index
from .test_pip_resolution import INPUT, buildpack

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit.testing import BuildpackRun

__all__ = ["buildpack", "index"]


def _large(archive: tarfile.TarFile) -> None:
    info = tarfile.TarInfo("evil-2.0/data.bin")
    info.size = 100 << 20
    archive.addfile(info, io.BytesIO(bytes(info.size)))


def _many(archive: tarfile.TarFile) -> None:
    for number in range(30_000):
        archive.addfile(tarfile.TarInfo(f"evil-2.0/many/{number}"))


@pytest.mark.parametrize("engine", ["uv", pytest.param("pip", marks=pytest.mark.full)])
@pytest.mark.parametrize(
    ("members", "what"),
    [
        (_large, "the packages take more than 60 MB unpacked"),
        (_many, "the packages have more than 20,000 files"),
    ],
    ids=["a large file", "many files"],
)
def test_an_archive_of_more_than_is_allowed_ends_the_build_and_nothing_of_it_stays(
    buildpack_run: BuildpackRun,
    buildpack: Path,
    index: HostileIndex,
    monkeypatch: pytest.MonkeyPatch,
    members: object,
    what: str,
    engine: str,
) -> None:
    monkeypatch.setattr("cnbkit_limits._ENTRIES", 20_000)
    index.publish("evil", "evil-2.0.tar.gz", sdist("evil", "2.0", members))  # type: ignore[arg-type]
    refused = buildpack_run(
        buildpack,
        app={"requirements.txt": "evil\n"},
        env={
            **INPUT,
            "BP_PIP_ENGINE": engine,
            "BP_PIP_INDEX_URL": index.url,
            "BP_PIP_SIZE_LIMIT": "60",
        },
    )
    assert refused.fault
    assert refused.fault.what == what
    left = [path for path in refused.app.parent.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in left) < 30_000_000
    assert len(left) < 5_000
