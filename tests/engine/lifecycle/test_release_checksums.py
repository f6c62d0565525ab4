"""The lifecycle's release is taken once the tool for it has written down its checksum."""

from __future__ import annotations

import functools
import hashlib
import http.server
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit_engine.lifecycle import install
from cnbkit_engine.lifecycle.archive import write_lifecycle
from cnbkit_engine.lifecycle.install import (
    LIFECYCLE_VERSION,
    PHASES,
    ensure_lifecycle,
    release_name,
)
from cnbkit_engine.state.home import Home

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOL = Path(__file__).resolve().parents[3] / "tools" / "lifecycle-checksums"
BILLS = [
    f"{program}.sbom.{kind}.json"
    for program in ("launcher", "lifecycle")
    for kind in ("cdx", "spdx", "syft")
]
MACHINES = {"amd64": b"\x3e\x00", "arm64": b"\xb7\x00"}


class _Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """An address like that of the releases, and the folder that is served there."""
    top = tmp_path_factory.mktemp("releases")
    served = top / f"v{LIFECYCLE_VERSION}"
    served.mkdir()
    for arch, machine in MACHINES.items():
        folder = top / arch
        folder.mkdir()
        (folder / "lifecycle").write_bytes(b"the lifecycle")
        (folder / "launcher").write_bytes(b"\x7fELF".ljust(18, b"\2") + machine)
        for name in PHASES:
            (folder / name).symlink_to("lifecycle")
        for name in BILLS:
            (folder / name).write_text(f'{{"of": "the release for {arch}"}}')
        _publish(folder, served / release_name(arch))
    handler = functools.partial(_Files, directory=str(top))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", served
        server.shutdown()


def _publish(folder: Path, archive: Path) -> None:
    write_lifecycle(folder, archive)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    archive.with_name(f"{archive.name}.sha256").write_text(f"{digest}  {archive.name}\n")


def _written(address: str, file: Path) -> subprocess.CompletedProcess[str]:
    file.parent.mkdir(exist_ok=True)
    file.write_text("# what it is\n# from elsewhere\n" + "0" * 64 + "  lifecycle-v0.1.0.tgz\n")
    source = f"{address}/v{LIFECYCLE_VERSION}"
    command = [sys.executable, str(TOOL), "--from", source, "--file", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_release_is_taken_with_its_own_bills_of_materials(
    releases: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, served = releases
    file = tmp_path / "lifecycle" / "checksums.txt"
    done = _written(address, file)
    assert done.returncode == 0, done.stderr
    lines = file.read_text().splitlines()
    assert lines[0] == "# what it is"
    wanted = []
    for arch in MACHINES:
        name = release_name(arch)
        digest = hashlib.sha256((served / name).read_bytes()).hexdigest()
        wanted.append((f"# from {address}/v{LIFECYCLE_VERSION}/{name}.sha256", f"{digest}  {name}"))
    sources = [line.partition(", ")[0] for line in lines[1::2]]
    assert list(zip(sources, lines[2::2], strict=True)) == wanted

    monkeypatch.setattr(install, "MODULES", tmp_path)
    monkeypatch.setattr(install, "RELEASES", address)
    monkeypatch.setattr(install, "_copy_from_wheel", lambda _folder, _arch: False)
    told: list[str] = []
    made = ensure_lifecycle(Home(tmp_path / "home"), arch="arm64", progress=told.append)
    assert told == []
    assert {(made / name).read_text() for name in BILLS} == {'{"of": "the release for arm64"}'}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("torn", "but says"),
        ("no bills", "lacks launcher.sbom.cdx.json, launcher.sbom.spdx.json"),
        ("wrong machine", "is not for amd64"),
        ("gone", "cannot be fetched: HTTP Error 404"),
    ],
)
def test_what_is_no_release_for_this_is_not_written_down(
    releases: tuple[str, Path], tmp_path: Path, fault: str, said: str
) -> None:
    address, served = releases
    archive = served / release_name("amd64")
    kept = {path: path.read_bytes() for path in served.iterdir()}
    try:
        if fault == "torn":
            archive.write_bytes(kept[archive][:-1])
        elif fault == "gone":
            archive.unlink()
        else:
            folder = tmp_path / "changed"
            shutil.copytree(served.parent / "amd64", folder, symlinks=True)
            if fault == "no bills":
                for name in BILLS:
                    (folder / name).unlink()
            else:
                shutil.copy(served.parent / "arm64" / "launcher", folder / "launcher")
            _publish(folder, archive)
        file = tmp_path / "checksums.txt"
        done = _written(address, file)
        assert done.returncode == 1
        assert said in done.stderr
        assert file.read_text().endswith("lifecycle-v0.1.0.tgz\n")
    finally:
        for path, data in kept.items():
            path.write_bytes(data)
