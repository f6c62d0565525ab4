"""A hash that the requirements declare and the index does not know is compared with the file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from ..e2e.index import wheel, wheel_name
from .test_pip_resolution import INPUT, Index, buildpack, index, installed

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit.testing import BuildpackRun

__all__ = ["buildpack", "index"]

FILE = wheel("demo", "1.0")


@pytest.mark.parametrize("kind", ["sha256", "sha512"])
def test_only_the_file_with_the_declared_hash_is_installed(
    buildpack_run: BuildpackRun, buildpack: Path, index: Index, kind: str
) -> None:
    index.add("demo", wheel_name("demo", "1.0"), FILE)  # which says its sha256 alone
    right = hashlib.new(kind, FILE).hexdigest()
    env = {**INPUT, "BP_PIP_INDEX_URL": index.url}
    good = buildpack_run(
        buildpack, app={"requirements.txt": f"demo==1.0 --hash={kind}:{right}\n"}, env=env
    )
    assert installed(good) == {"demo": "1.0"}
    bad = buildpack_run(
        buildpack,
        app={"requirements.txt": f"demo==1.0 --hash={kind}:{'0' * len(right)}\n"},
        env=env,
    )
    assert bad.code == 65, bad.log
    assert "no file of demo 1.0 in the index has an allowed hash" in bad.log
    assert "requirements.txt:1" in bad.log
