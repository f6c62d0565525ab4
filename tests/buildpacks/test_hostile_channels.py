"""Channels of conda that send more than a disk holds, or nothing for ever."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest

from cnbkit_conda import Conda
from cnbkit_limits import Limits

from ..e2e.channel import SUBDIR, Channel
from ..http_server import HttpServer
from .conda_channel import environment, fault

if TYPE_CHECKING:
    import http.server
    from pathlib import Path

    from cnbkit.testing import BuildpackRun


class Answering(HttpServer):
    """Sends something to whoever asks for anything.

    Args:
        piece: what is sent again and again.
        pause: seconds between two.
        to: where it redirects; empty if it does not.
    """

    def __init__(self, piece: bytes, *, pause: float = 0, to: str = "") -> None:
        self._piece, self._pause, self._to = piece, pause, to
        super().__init__()

    def answer(self, to: http.server.BaseHTTPRequestHandler) -> None:
        to.send_response(302 if self._to else 200)
        if self._to:
            to.send_header("Location", f"{self.url}{self._to}")
            to.send_header("Content-Length", "0")
        to.end_headers()
        with suppress(OSError):
            while not self._to and self._piece:
                to.wfile.write(self._piece)
                time.sleep(self._pause)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six seconds and 20 MB in place of an hour and all there is."""
    limits = Limits("BP_CONDA_SIZE_LIMIT", 1, 20)
    limits.seconds = 6.0
    monkeypatch.setattr("cnbkit_conda.resolve.limits", lambda _ctx: limits)
    monkeypatch.setattr("cnbkit_conda.install.limits", lambda _ctx: limits)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("piece", "pause", "to", "told"),
    [
        (b" " * (1 << 20), 0.01, "", "packages"),
        (b" ", 0.2, "", "packages are not there after 0.1 minutes"),
        (b"", 0, "/again", "redirects without end"),
        (b"", 0, "", "Error"),
    ],
    ids=["without end", "drop by drop", "round and round", "nothing"],
)
def test_an_index_that_is_none_ends_the_build(
    buildpack_run: BuildpackRun, piece: bytes, pause: float, to: str, told: str
) -> None:
    with closing(Answering(piece, pause=pause, to=to)) as server:
        shown = fault(buildpack_run(Conda, app=environment_of(server.url)))
    assert told in shown
    assert "Traceback" not in shown


def environment_of(url: str) -> dict[str, str]:
    return {"environment.yml": f"channels: ['{url}/x']\ndependencies:\n  - tool\n"}


@pytest.mark.usefixtures("small")
def test_a_package_that_unpacks_to_much_ends_the_build(
    buildpack_run: BuildpackRun, tmp_path: Path
) -> None:
    channel = Channel(tmp_path / "conda-forge")
    channel.add("tool", "1.0", {"share/zeros": bytes(60_000_000)}, subdir=SUBDIR)
    channel.index()
    shown = fault(buildpack_run(Conda, app=environment(tmp_path, "tool")))
    assert "the packages take more than 20 MB unpacked" in shown
    assert "zeros (" in shown
    assert "BP_CONDA_SIZE_LIMIT=<megabytes>" in shown
