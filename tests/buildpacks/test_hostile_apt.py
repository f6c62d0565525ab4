"""Sources of apt that send more than a disk holds, or nothing for ever."""

from __future__ import annotations

import hashlib
import subprocess
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest

from cnbkit import Target
from cnbkit_apt import Apt
from cnbkit_limits import Limits

from ..http_server import HttpServer

if TYPE_CHECKING:
    import http.server
    from pathlib import Path

    from cnbkit.testing import BuildpackRun

BASE = """Package: base
Status: install ok installed
Architecture: all
Version: 1
Maintainer: T
Description: there
"""
pytestmark = pytest.mark.full
HUGE = 10_000_000_000
INDEX = "main/binary-amd64/Packages"


class Source(HttpServer):
    """A repository with files that are sent as they are, and one that is sent piece by piece.

    Attributes:
        files: contents, by the end of their path.
        endless: the end of the path of the one that has no end.

    Args:
        piece: what is sent of that one again and again.
        pause: seconds between two pieces.
    """

    def __init__(self, piece: bytes, pause: float) -> None:
        self.files: dict[str, bytes] = {}
        self.endless = ""
        self._piece, self._pause = piece, pause
        super().__init__()

    def answer(self, to: http.server.BaseHTTPRequestHandler) -> None:
        if self.endless and to.path.endswith(self.endless):
            to.send_response(200)
            to.send_header("Content-Length", str(HUGE))
            to.end_headers()
            with suppress(OSError):
                while True:
                    to.wfile.write(self._piece)
                    time.sleep(self._pause)
            return
        content = next((data for name, data in self.files.items() if to.path.endswith(name)), None)
        to.send_response(404 if content is None else 200)
        to.send_header("Content-Length", str(len(content or b"")))
        to.end_headers()
        to.wfile.write(content or b"")

    def offer(self, index: bytes, size: int = 0) -> None:
        """Have this index of packages; of another size than it says, if one is given."""
        digest = hashlib.sha256(index).hexdigest()
        self.files[INDEX] = index
        self.files["/Release"] = (
            "Suite: stable\nCodename: stable\nComponents: main\nArchitectures: amd64\n"
            f"SHA256:\n {digest} {size or len(index)} {INDEX}\n"
        ).encode()


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system that the buildpack installs for, with limits of three seconds and 20 MB."""
    root = tmp_path / "system"
    for name in ("usr/share/cnbkit/run-image/status", "var/lib/dpkg/status"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(BASE)
    (root / "etc/apt").mkdir(parents=True)

    def small(setting: str, *_: int) -> Limits:
        limits = Limits(setting, 1, 20)
        limits.seconds = 3.0
        return limits

    monkeypatch.setattr("cnbkit_limits.Limits", small)
    monkeypatch.setattr(Apt, "system", str(root))
    return root


def built(run: BuildpackRun, system: Path, source: str, word: str = "tool") -> str:
    """What a build says that fails."""
    (system / "etc/apt/sources.list").write_text(f"deb [trusted=yes] {source} stable main\n")
    result = run(Apt, app={"Aptfile": f"{word}\n"}, target=Target(arch="amd64"))
    assert result.code != 0
    assert "Traceback" not in result.log
    left = [path for path in result.layers_dir.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in left) < 1_000_000
    return result.log


def entry(content: bytes, size: int) -> bytes:
    digest = hashlib.sha256(content).hexdigest()
    return (
        "Package: tool\nVersion: 1\nArchitecture: amd64\nMaintainer: T\nDescription: t\n"
        f"Filename: pool/tool.deb\nSize: {size}\nSHA256: {digest}\n"
    ).encode()


PIECES = pytest.mark.parametrize(
    ("piece", "pause", "told"),
    [
        (b"x" * (1 << 20), 0.01, ("take more than 20 MB", "BP_APT_SIZE_LIMIT=<megabytes>")),
        (b"x", 0.2, ("not there after 0.05 minutes", "BP_APT_TIME_LIMIT=<minutes>")),
    ],
    ids=["without end", "drop by drop"],
)


@PIECES
def test_a_list_of_packages_that_never_ends_ends_the_build(
    buildpack_run: BuildpackRun, apt: Path, piece: bytes, pause: float, told: tuple[str, ...]
) -> None:
    with closing(Source(piece, pause)) as source:
        source.offer(b"", HUGE)
        source.endless = "Packages"
        shown = built(buildpack_run, apt, source.url)
    assert [each for each in told if each not in shown] == [], shown


@PIECES
def test_a_package_that_never_ends_ends_the_build(
    buildpack_run: BuildpackRun, apt: Path, piece: bytes, pause: float, told: tuple[str, ...]
) -> None:
    with closing(Source(piece, pause)) as source:
        source.offer(entry(b"", HUGE))
        source.endless = ".deb"
        shown = built(buildpack_run, apt, source.url)
    assert [each for each in told if each not in shown] == [], shown


@PIECES
def test_a_package_of_an_address_that_never_ends_ends_the_build(
    buildpack_run: BuildpackRun, apt: Path, piece: bytes, pause: float, told: tuple[str, ...]
) -> None:
    with closing(Source(piece, pause)) as source:
        source.offer(b"")
        source.endless = ".deb"
        shown = built(buildpack_run, apt, source.url, f"{source.url}/tool.deb")
    assert [each for each in told if each not in shown] == [], shown


def test_a_package_that_unpacks_to_much_ends_the_build(
    buildpack_run: BuildpackRun, apt: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "tool"
    (folder / "DEBIAN").mkdir(parents=True)
    (folder / "usr").mkdir()
    (folder / "usr/zeros").write_bytes(bytes(60_000_000))
    (folder / "DEBIAN/control").write_bytes(
        b"Package: tool\nVersion: 1\nArchitecture: amd64\nMaintainer: T <t@x>\nDescription: t\n"
    )
    command = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", str(folder)]
    subprocess.run([*command, str(tmp_path / "tool.deb")], check=True, capture_output=True)
    content = (tmp_path / "tool.deb").read_bytes()
    assert len(content) < 100_000
    with closing(Source(b"", 0)) as source:
        source.offer(entry(content, len(content)))
        source.files["pool/tool.deb"] = content
        shown = built(buildpack_run, apt, source.url)
    assert "the packages take more than 20 MB unpacked" in shown
    assert "zeros (" in shown
    assert "BP_APT_SIZE_LIMIT=<megabytes>" in shown
