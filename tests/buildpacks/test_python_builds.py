"""Standalone builds: which one a request gets, what is checked, until when it is kept up."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from uv import find_uv_bin

from cnbkit import BuildContext, UserFault
from cnbkit.errors import PlatformFault
from cnbkit.log import Log
from cnbkit_python import Python
from cnbkit_python.builds import Build, known_minors, newest
from cnbkit_python.config import PythonConfig
from cnbkit_python.standalone import install
from cnbkit_python_releases import END_OF_LIFE, outlived

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


MINORS = [f"3.{minor}" for minor in range(9, 15)]


@pytest.fixture(scope="module")
def by_uv() -> list[dict[str, Any]]:
    """What the uv of our lock knows, for images; the list is made of the same."""
    told = subprocess.run(
        [
            *(find_uv_bin(), "python", "list", "--all-versions", "--all-platforms", "--no-config"),
            *("--all-arches", "--only-downloads", "--output-format", "json"),
        ],
        capture_output=True,
        check=True,
    )
    known: list[dict[str, Any]] = json.loads(told.stdout)
    return [
        each
        for each in known
        if (each["implementation"], each["os"], each["libc"], each["variant"])
        == ("cpython", "linux", "gnu", "default")
    ]


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
@pytest.mark.parametrize("minor", MINORS)
def test_of_a_minor_version_it_is_the_newest_as_uv_has_it(
    by_uv: list[dict[str, Any]], minor: str, arch: str
) -> None:
    family = {"amd64": "x86_64", "arm64": "aarch64"}[arch]
    theirs = [
        each["version"]
        for each in by_uv
        if each["arch"] == family and re.fullmatch(rf"{re.escape(minor)}\.\d+", each["version"])
    ]
    found = newest(minor, arch)
    assert found
    assert found.version == max(theirs, key=lambda each: int(each.rpartition(".")[2])), (
        "run tools/python-builds, after uv has changed"
    )
    assert family in found.path
    assert re.fullmatch(r"[0-9a-f]{64}", found.sha256)
    assert f"cpython-{found.version}%2B" in found.path


@pytest.mark.parametrize(
    ("request_", "version"),
    [
        ("3.12.4", "3.12.4"),
        (">=3.12.4,<3.12.6,==3.12.*", "3.12.5"),
        ("==3.12.4", "3.12.4"),
        (">=3.99", None),
        ("3.99", None),
        ("2.7", None),
        ("3.3.11.9", None),
        ("3.13.0rc99", None),
    ],
)
def test_a_request_gets_the_newest_build_that_fits(request_: str, version: str | None) -> None:
    found = newest(request_, "amd64")
    assert (found.version if found else None) == version


def test_a_candidate_is_taken_by_its_name_alone() -> None:
    oldest, latest = known_minors()
    assert (oldest, int(latest[2:]) >= 14) == ("3.8", True)
    following = f"3.{int(latest[2:]) + 1}"
    assert newest(following, "amd64") is None
    assert newest(f">={following}.0a1,<4", "amd64") is None
    named = newest("==3.15.0rc1", "amd64")
    assert named is None or named.version == "3.15.0rc1"


def test_a_list_of_one_names_that_build_to_uv(tmp_path: Path) -> None:
    for version in ("3.12.4", "3.10.14", "3.16.0a2"):
        build = Build(
            version, "aarch64", "0" * 64, f"20991231/cpython-{version}%2B20991231-x.tar.gz"
        )
        (tmp_path / "list.json").write_text(build.list_of_one())
        told = subprocess.run(
            [
                *(find_uv_bin(), "python", "list", "--all-versions", "--all-platforms"),
                *("--all-arches", "--only-downloads", "--no-config", "--output-format", "json"),
                *("--python-downloads-json-url", tmp_path / "list.json"),
            ],
            capture_output=True,
            check=True,
        )
        (known,) = json.loads(told.stdout)
        assert known["version"] == version
        assert known["url"].endswith(f"/20991231/cpython-{version}%2B20991231-x.tar.gz")


class _Mirror(BaseHTTPRequestHandler):
    asked: list[str]
    answer: bytes

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def mirror() -> Iterator[tuple[str, type[_Mirror]]]:
    """A mirror that has, whatever it is asked for, an archive with a program in it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        entry = tarfile.TarInfo("python/bin/python3")
        entry.mode, entry.size = 0o755, 10
        archive.addfile(entry, io.BytesIO(b"#!/bin/sh\n"))
    handler = type("Mirror", (_Mirror,), {"asked": [], "answer": content.getvalue()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/builds", handler
    server.shutdown()
    server.server_close()


def _context(folder: Path, **env: str) -> BuildContext:
    """A build with the real uv."""
    program = folder / "buildpack/lib/bin/uv"
    program.parent.mkdir(parents=True)
    program.symlink_to(find_uv_bin())
    for name in ("app", "layers", "platform"):
        (folder / name).mkdir()
    return BuildContext(
        app=str(folder / "app"),
        env={**os.environ, **env},
        buildpack=str(folder / "buildpack"),
        platform=str(folder / "platform"),
        layers=str(folder / "layers"),
        plan="",
        log=Log(),
    )


@pytest.mark.parametrize(
    ("base", "other"),
    [("3.11.2", "cnbkit's base trixie has 3.13"), ("3.13.5", "cnbkit's base bookworm has 3.11")],
)
@pytest.mark.parametrize("asked", ["3.11.9", "3.12.9"])
def test_where_a_python_cannot_be_had_those_of_the_bases_are_offered(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mirror: tuple[str, type[_Mirror]],
    asked: str,
    base: str,
    other: str,
) -> None:
    monkeypatch.setattr("cnbkit_python.base_python", lambda: base)
    ctx = _context(tmp_path, BP_PYTHON_MIRROR=mirror[0])
    (tmp_path / "app/.python-version").write_text(f"{asked}\n")
    with pytest.raises(PlatformFault) as caught:
        Python().build(ctx)
    minor = base.rpartition(".")[0]
    offer = f"ask for {minor} in .python-version: the base image has {base}; {other}"
    assert str(caught.value.remedy).endswith(offer)


@pytest.mark.parametrize(
    ("asked", "change"),
    [
        ("3.11.0", "write 3.11 in place of 3.11.0: its newest is 3.11."),
        ("2.7.18", "ask for another"),
    ],
)
def test_of_a_patch_version_that_was_not_built_the_minor_version_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, change: str
) -> None:
    monkeypatch.setattr("cnbkit_python.base_python", lambda: "3.13.5")
    ctx = _context(tmp_path)
    (tmp_path / "app/runtime.txt").write_text(f"python-{asked}\n")
    with pytest.raises(UserFault) as caught:
        Python().build(ctx)
    assert caught.value.where == "runtime.txt:1"
    assert str(caught.value.remedy).startswith(change)


def test_in_a_builder_with_other_bases_none_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: tuple[str, type[_Mirror]]
) -> None:
    monkeypatch.setattr("cnbkit_python.base_python", lambda: "")
    ctx = _context(tmp_path, BP_PYTHON_MIRROR=mirror[0])
    (tmp_path / "app/.python-version").write_text("3.12.9\n")
    with pytest.raises(PlatformFault) as caught:
        Python().build(ctx)
    assert "ask for" not in str(caught.value.remedy)


def test_a_mirror_is_asked_for_the_build_and_another_file_is_refused(
    tmp_path: Path, mirror: tuple[str, type[_Mirror]]
) -> None:
    address, handler = mirror
    ctx = _context(tmp_path, BP_PYTHON_MIRROR=address)
    build = newest("3.12.4", "amd64")
    assert build

    config = PythonConfig.read(ctx.settings)
    with pytest.raises(PlatformFault, match="another file than it should be") as caught:
        install(ctx, config, "3.12", build, str(tmp_path / "layer"))

    assert handler.asked[0] == f"/builds/{build.path}"
    assert "BP_PYTHON_MIRROR" in str(caught.value.remedy)
    assert build.sha256 in str(caught.value.detail)


def test_a_version_that_is_not_kept_up_any_more_is_warned_of_with_the_day() -> None:
    assert outlived("3.9.25", "2025-10-31") == ""
    assert outlived("3.9.25", "2025-11-01") == (
        "Python 3.9 has had no security fixes since 2025-10-31: move to a later one"
    )
    assert outlived("3.99.0", "2999-01-01") == ""
    assert {*MINORS} <= {*END_OF_LIFE}
