"""What a test asks the network for is told as its own; one without the mark for it is named."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
CONFTEST = """
from tests import fetching, tiers
from tests.fetching import (
    pytest_configure_node, pytest_runtest_makereport, pytest_terminal_summary
)
from tests.tiers import pytest_collection_modifyitems, pytest_runtest_logreport

def pytest_configure(config):
    tiers.pytest_configure(config)
    fetching.begin(config)

def pytest_unconfigure(config):
    fetching.end(config)
"""
# Two files, of which each of two workers has one.
TESTS = """
import os
import urllib.request
import pytest

def get(name):
    for each in ("no_proxy", "NO_PROXY"):
        os.environ.pop(each, None)
    with urllib.request.urlopen("{url}/" + name) as answer:
        return answer.read()

@pytest.mark.fetches
def test_says_so():
    assert get("{own}-1.whl") == b"x" * 1000

def test_does_not():
    assert get("{own}-2.whl") == b"x" * 1000

def test_has_it():
    assert get("{own}-2.whl") == b"x" * 1000

def test_nothing():
    assert os.path.isdir(os.path.dirname(os.environ["UV_CACHE_DIR"]))
"""


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"x" * 1000)

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    made.server_close()


@pytest.mark.parametrize("workers", ["0", "2"])
def test_what_a_test_fetches_is_its_own(server: str, tmp_path: Path, workers: str) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    for own in ("first", "second"):
        (tmp_path / f"test_{own}.py").write_text(TESTS.format(url=server, own=own))
    kept = tmp_path / "kept"
    command = [sys.executable, "-m", "pytest", "-c", "pytest.ini", "-n", workers, "--junit-xml=x"]
    (tmp_path / "conftest.py").write_text(CONFTEST)
    # With nothing kept; with something; with all.
    for before in (0, 1, 2):
        if before == 1:
            for path in kept.iterdir():
                path.unlink()
            (kept / "another.body").touch()
        done = subprocess.run(
            [*command, "--dist", "loadgroup"],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "PYTHONPATH": str(ROOT),
                "CNBKIT_TEST_DOWNLOADS": str(kept),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        named = [line for line in done.stdout.splitlines() if "is not marked" in line]
        assert named == [
            f"test_{own}.py::test_does_not fetched {server}/{own}-2.whl and is not marked `fetches`"
            for own in ("first", "second")
            if before == 1
        ]
        told = {
            (case.attrib["classname"], case.attrib["name"]): each.attrib["value"]
            for case in ET.parse(tmp_path / "x").iter("testcase")
            for each in case.iter("property")
        }
        assert told == {
            (f"test_{own}", name): f"1000 {server}/{own}-{number}.whl"
            for own in ("first", "second")
            for name, number in (("test_says_so", 1), ("test_does_not", 2))
            if before < 2
        }
    assert not [*kept.glob("caches-*")]
