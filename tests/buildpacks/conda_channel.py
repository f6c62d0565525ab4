"""Channels of conda made here, and what tests of the buildpack ask of them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..e2e.channel import SUBDIR, Channel, machine_python_package

if TYPE_CHECKING:
    from cnbkit.testing import Result


OTHER = {"linux-64": "linux-aarch64", "linux-aarch64": "linux-64"}[SUBDIR]
ACTIVATE = """
export DATA_HOME="$CONDA_PREFIX/share/data"
export PATH="$CONDA_PREFIX/extra:$PATH"
activate_data() { :; }
"""


@pytest.fixture(scope="session")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the channels conda-forge and other; only read."""
    work = tmp_path_factory.mktemp("channels")
    main = Channel(work / "served" / "conda-forge")
    machine_python_package(main)
    for version in ("1.0", "2.0"):
        main.add_pure("hello", version)
    main.add_pure("needy", "1.0", depends=["hello >=2"])
    main.add_compiled("tool", "1.0", work)
    main.add("vision", "1.0", {"share/vision": "cpu"}, build="cpu_0")
    main.add(
        "vision", "1.0", {"share/vision": "cuda"}, build="cuda_0", number=1, depends=["__cuda"]
    )
    main.add("modern", "1.0", {"share/modern": ""}, depends=["__glibc >=2.99"])
    main.add("active", "1.0", {"etc/conda/activate.d/active.sh": ACTIVATE})
    main.add_pure("streamlit", "1.0")
    script = 'echo "$PKG_NAME" > "$PREFIX/share/linked.txt"\n'
    linked = {"bin/.linked-post-link.sh": script, "share/linked": ""}
    main.add("linked", "1.0", linked, executable=["bin/.linked-post-link.sh"])
    main.add("free", "1.0", {"share/free": ""}, licence="")
    main.add("odd", "1.0", {"share/odd": ""}, depends=["free"], licence="BSD-like, see source")
    main.add("failing", "1.0", {"etc/conda/activate.d/failing.sh": "exit 3"})
    main.index()
    other = Channel(work / "served" / "other")
    other.add("tool", "9.0", {"share/tool/settings.txt": "other's\n"})
    other.add("rare", "1.0", {"share/rare": ""}, licence="bsd-3-clause AND LicenseRef-Rare")
    other.index()
    return work / "served"


def environment(channels: Path, *packages: str, more: str = "", of: str = "") -> dict[str, str]:
    """An app with an environment.yml."""
    lines = [f"channels: ['{of or (channels / 'conda-forge').as_uri()}']", "dependencies:"]
    return {"environment.yml": "\n".join([*lines, *(f"  - {each}" for each in packages), more])}


def packages(result: Result) -> dict[str, str]:
    """Name and version of what is installed."""
    folder = result.layer("environment").path / "conda" / "conda-meta"
    records = (json.loads(path.read_text()) for path in folder.glob("*.json"))
    return {record["name"]: record["version"] for record in records}


def fault(result: Result) -> str:
    assert result.code == 65 or result.code == 69, result.log
    assert "choice" not in result.layers
    return str(result.fault)


def address(channels: Path, name: str, subdir: str = SUBDIR) -> str:
    (path,) = (channels / "conda-forge" / subdir).glob(f"{name}*")
    return path.as_uri()


def checksum(url: str, kind: str = "sha256") -> str:
    return hashlib.new(kind, Path(url.removeprefix("file://")).read_bytes()).hexdigest()


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).digest()
        for path in folder.rglob("*")
        if path.is_file()
    }
