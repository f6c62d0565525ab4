"""Weights through the real lifecycle: fetched once, in layers of their own, served by the app."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit_engine.testing import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Project

PIECE = 17 << 20


class Site:
    """A folder on the web, and what was asked of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        site = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                super().do_GET()

            def log_message(self, *_: Any) -> None:
                """Keep the test's output clean."""

        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))
        )
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def add(self, name: str, data: bytes, target: str) -> str:
        """Its entry in weights.toml."""
        (self.folder / name).write_bytes(data)
        return (
            f'[[weights]]\nuri = "http://127.0.0.1:{self.server.server_port}/{name}"\n'
            f'sha256 = "{hashlib.sha256(data).hexdigest()}"\ntarget = "{target}"\n'
        )


def slices(project: Project) -> list[str]:
    """Digests of the layers with the app's own files."""
    return [layer.diff_id for layer in project.image().layers if layer.what == "app"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "site").mkdir()
    made = Site(tmp_path / "site")
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_weights_are_served_and_only_those_that_changed_are_fetched_again(
    project: Project, site: Site
) -> None:
    one = site.add("one.bin", b"1" * PIECE, "models/one.bin")
    two = site.add("two.bin", b"2" * PIECE, "models/two.bin")
    small = site.add("labels.txt", b"cat\ndog\n", "models/labels.txt")
    project.write(
        {
            "weights.toml": one + two + small,
            "Procfile": "web: python3 -m http.server --directory models $PORT\n",
            "app.py": "import hashlib, sys\n",
            "requirements.txt": "",
            # As large, and of the app itself: a slice.
            "own [1].bin": b"o" * PIECE,
        }
    )
    project.build()
    assert sorted(site.asked) == ["/labels.txt", "/one.bin", "/two.bin"]
    first = project.layers()
    own = slices(project)
    assert len(own) == 2
    weights = {what for what in first if what.startswith("cnbkit/weights:")}
    assert len(weights) == 3
    port = free_port()
    with project.start(env={"PORT": str(port)}) as container:
        assert container.http_get(port, "/labels.txt") == "cat\ndog\n"
        assert container.http_get(port, "/two.bin") == "2" * PIECE

    site.asked.clear()
    again = project.build()
    assert "weights.toml: 3 files as in the previous image" in again.output
    assert site.asked == []
    assert project.layers() == first

    two = site.add("two.bin", b"3" * PIECE, "models/two.bin")
    project.write({"weights.toml": one + two + small, "app.py": "import sys\n"})
    project.build()
    assert site.asked == ["/two.bin"]
    changed = project.layers()
    same = {what for what in changed if changed[what] == first.get(what)}
    assert len(weights & same) == 2
    new = {what for what in changed if what.startswith("cnbkit/weights:")} - same
    assert len(new) == 1
    # The app's own large file has a layer of its own, which its code does not touch.
    assert [each in own for each in slices(project)] == [True, False]

    project.write({"weights.toml": one + site.add("x.bin", b"4", "models/x").replace("/x.", "/y.")})
    failed = project.build(code=51)
    assert "HTTP status 404" in failed.output
    assert "where: weights.toml:5" in failed.output
    # The image before is still there.
    assert project.layers() == changed
