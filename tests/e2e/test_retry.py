"""A build that failed is tried again: what it has fetched is not fetched again."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from ..buildpacks.test_pip_builds import source
from ..buildpacks.test_pip_resolution import Index
from .index import wheel, wheel_name

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Project

# What it needs is known before it is compiled, so that all the others are fetched.
BROKEN = {
    "PKG-INFO": "Metadata-Version: 2.2\nName: broken\nVersion: 1.0\n",
    "pyproject.toml": (
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    ),
    "backend.py": (
        "import time\n"
        "def get_requires_for_build_wheel(*_): return []\n"
        "def build_wheel(*_):\n    time.sleep(2)\n    raise SystemExit('no')\n"
    ),
}
APP = "import demo\nprint(demo.VERSION)\n"


def files(index: Index) -> list[str]:
    """What was sent besides pages, each once."""
    return sorted({each.rpartition("/")[2] for each in index.sent} - {""})


def test_it_asks_the_index_for_its_pages_and_for_no_file_again(
    project: Project, tmp_path: Path
) -> None:
    index = Index(tmp_path / "index")
    with closing(index.server.socket):
        index.add("demo", wheel_name("demo", "1.0"), wheel("demo", "1.0"))
        index.add("broken", "broken-1.0.tar.gz", source(BROKEN, "broken-1.0"))
        options = ("--env", f"BP_PIP_INDEX_URL={index.url}")
        project.write({"requirements.txt": "demo\nbroken\n", "app.py": APP})
        failed = project.build(*options, code=51)
        assert "broken 1.0 has no wheel for this image" in failed.output
        assert "What was fetched is kept for the next build" in failed.output
        assert wheel_name("demo", "1.0") in files(index)

        index.sent.clear()
        project.write({"requirements.txt": "demo\n"})
        done = project.build(*options)
        assert "What the last build has fetched before it failed is there" in done.output
        assert "/simple/demo/" in index.sent
        assert files(index) == []
        assert project.run() == "1.0\n"
        # A build that succeeds leaves its layers, and nothing else.
        assert "before it failed" not in project.build(*options).output
        index.server.shutdown()
