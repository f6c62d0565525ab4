"""An assembled buildpack does what its folder does in the testing kit."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit import BuildpackFault, PlatformFault
from cnbkit_engine.buildpack.assemble import Runtime, assemble
from cnbkit_engine.buildpack.source import BuildpackSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnbkit.testing import BuildpackRun

DATA = b"the tool"
SUM = hashlib.sha256(DATA).hexdigest()
CODE = """
from cnbkit import Buildpack, BuildResult, Dependency, Triggers

class Ships(Buildpack):
    triggers = Triggers("words")

    def build(self, ctx):
        from ships.inner import answer

        tool = Dependency(ctx.env["URL"], "%s")
        ctx.log.info("tool: " + ctx.download(tool).read_text())
        ctx.log.info("word: " + (ctx.buildpack_dir / "data" / "word.txt").read_text())
        ctx.log.info("template: " + (ctx.buildpack_dir / "ships" / "page.tmpl").read_text())
        own = ctx.run(ctx.buildpack_dir / "bin" / "own", quiet=True)
        ctx.log.info("program: " + own.stdout.strip())
        ctx.log.info("inner: " + answer)
        ctx.log.info("uv: " + ctx.run(ctx.program("uv"), "--version", quiet=True).stdout.split()[0])
        return BuildResult()
"""
SAID = [
    "tool: the tool",
    "word: data",
    "template: page",
    "program: own program",
    "inner: 42",
    "uv: uv",
]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Site:
    """A server with the tool that can be taken away."""

    def __init__(self, folder: Path) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self._server.server_port}/tool.bin"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[_Site]:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "tool.bin").write_bytes(DATA)
    site = _Site(tmp_path / "site")
    yield site
    site.close()


@pytest.fixture
def folder(tmp_path: Path, site: _Site) -> Path:
    """A buildpack with files beside its code, and a dependency."""
    files = {
        "buildpack.toml": 'api = "0.12"\n[buildpack]\nid = "test/ships"\nversion = "1.2.3"\n'
        '[metadata.cnbkit]\nentry = "ships:Ships"\n'
        f'[[metadata.dependencies]]\nuri = "{site.url}"\nsha256 = "{SUM}"\n',
        "ships/__init__.py": CODE % SUM,
        "ships/inner.py": "answer = '42'\n",
        "ships/page.tmpl": "page",
        "data/word.txt": "data",
        "bin/own": "#!/bin/sh\necho own program\n",
    }
    for name, text in files.items():
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "source" / "bin" / "own").chmod(0o755)
    lock = Path(__file__).parents[3] / "buildpacks" / "uv" / "requirements.lock"
    (tmp_path / "source" / "requirements.lock").write_text(lock.read_text())
    return tmp_path / "source"


def _assemble(folder: Path, out: Path, *, offline: bool = False) -> None:
    arch = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assemble(BuildpackSource(folder), out, Runtime(sys.executable, version, arch), offline=offline)


def _build(assembled: Path, app: Path, url: str) -> tuple[int, list[str]]:
    """Exit status and output of its bin/build, as a lifecycle starts it."""
    root = app.with_name(f"{assembled.name}-build")
    for name in ("layers", "platform"):
        (root / name).mkdir(parents=True)
    (root / "plan").touch()
    done = subprocess.run(
        [assembled / "bin" / "build"],
        cwd=app,
        env={
            "PATH": os.environ["PATH"],
            "URL": url,
            "CNB_BUILDPACK_DIR": str(assembled),
            "CNB_LAYERS_DIR": str(root / "layers"),
            "CNB_PLATFORM_DIR": str(root / "platform"),
            "CNB_BP_PLAN_PATH": str(root / "plan"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, [line.strip() for line in done.stdout.splitlines()]


@pytest.mark.fetches
def test_an_offline_package_builds_without_network_what_its_folder_builds_with_one(
    tmp_path: Path, folder: Path, site: _Site, buildpack_run: BuildpackRun
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "words").touch()
    result = buildpack_run(
        folder, app={"words": ""}, env={"URL": site.url}, commands={"uv": "uv 0"}
    )
    assert [line.strip() for line in result.log.splitlines()][-len(SAID) :] == SAID
    _assemble(folder, tmp_path / "offline", offline=True)
    (tmp_path / "site" / "tool.bin").unlink()
    with pytest.raises(PlatformFault, match=r"cannot fetch tool\.bin"):
        _assemble(folder, tmp_path / "late", offline=True)
    site.close()
    code, said = _build(tmp_path / "offline", tmp_path / "app", site.url)
    assert (code, said) == (0, ["test/ships 1.2.3", *SAID])


def test_a_file_where_the_assembled_one_has_its_own_is_refused(
    tmp_path: Path, folder: Path
) -> None:
    (folder / "lib").mkdir()
    (folder / "lib" / "x.py").touch()
    (folder / "bin" / "detect").touch()
    with pytest.raises(BuildpackFault, match=r"bin/detect, lib/x\.py"):
        _assemble(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_says_to_package_the_folder_is_not_in_the_package(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    stub = (root / "buildpacks" / "pip" / "bin" / "detect").read_text()
    for name, text in {
        "buildpack.toml": 'api = "0.10"\n[buildpack]\nid = "test/a"\nversion = "1.2.3"\n'
        '[metadata.cnbkit]\nentry = "pack:Pack"\n',
        "pack.py": "",
        "bin/detect": stub,
        "bin/own": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert Path("bin/detect") not in BuildpackSource(tmp_path).files()
    (tmp_path / "bin" / "detect").write_text("#!/bin/sh\nexit 0\n")
    assert {Path("bin/detect"), Path("bin/own")} <= {*BuildpackSource(tmp_path).files()}
