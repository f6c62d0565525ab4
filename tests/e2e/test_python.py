"""Which interpreter an image gets, through the real lifecycle and the real uv."""

from __future__ import annotations

import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home

from ..standalone import pack_standalone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Project

VERSION, OWN = DEFAULT.full_python, f"python{DEFAULT.python}"
APP = "import platform, sys; print(platform.python_version(), sys.base_prefix)\n"


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[str]:
    """A list of standalone builds with one in it: the base image's own Python, packed as one."""
    home = Home.default()
    root = BaseImages(home, ImageStore(home.images)).ensure_build_root()
    folder = tmp_path / "mirror"
    folder.mkdir()
    digest = pack_standalone(root, OWN, folder / "cpython.tar.gz")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    address = f"http://127.0.0.1:{server.server_port}"
    family = {"amd64": "x86_64", "arm64": "aarch64"}[machine_architecture()]
    entry = {
        "name": "cpython",
        "arch": {"family": family, "variant": None},
        "os": "linux",
        "libc": "gnu",
        "major": 3,
        "minor": int(VERSION.split(".")[1]),
        "patch": int(VERSION.split(".")[2]),
        "prerelease": "",
        "url": f"{address}/cpython.tar.gz",
        "sha256": digest,
        "variant": None,
        "build": "20230101",
    }
    (folder / "list.json").write_text(json.dumps({f"cpython-{VERSION}-linux-{family}-gnu": entry}))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield address
    server.shutdown()
    server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_arguments: object) -> None:
        """Keep the test's output clean."""


def test_without_any_package_there_is_a_command_python(project: Project) -> None:
    script = "#!/usr/bin/env python\n" + APP
    project.write({"Procfile": "web: python app.py\n", "app.py": APP, "tool.py": script})
    (project.app / "tool.py").chmod(0o755)
    project.build()
    assert project.run() == f"{VERSION} /usr\n"
    assert project.run("--", "./tool.py") == f"{VERSION} /usr\n"
    before = project.layers()
    project.write({"app.py": f"{APP}print(2)\n"})
    again = project.build()
    assert again.lines("Reusing layer 'cnbkit/python:command'")
    assert project.layers()["cnbkit/python:command"] == before["cnbkit/python:command"]
    assert project.run() == f"{VERSION} /usr\n2\n"


@pytest.mark.parametrize(
    ("files", "version", "reason"),
    [
        ({}, VERSION, "no version asked for"),
        ({".python-version": "# ours\n3.11\n"}, "3.11.2", "3.11 from .python-version"),
        ({"runtime.txt": "python-3.13.5\n"}, "3.13.5", "3.13.5 from runtime.txt"),
        (
            {
                "pyproject.toml": '[project]\nname = "x"\nversion = "1"\n'
                'requires-python = ">=3.9,<3.13"\n'
            },
            "3.11.2",
            ">=3.9,<3.13 from requires-python in pyproject.toml",
        ),
    ],
    ids=["nothing", ".python-version", "runtime.txt", "requires-python"],
)
def test_the_base_image_python_is_used_where_it_fits(
    project: Project, files: dict[str, str], version: str, reason: str
) -> None:
    project.write({**files, "app.py": APP})
    built = project.build()
    assert f"Python {version} of the base image, {reason}" in built.output
    assert project.run() == f"{version} /usr\n"
    # A name for it, and no Python of its own.
    held = [what for what in project.layers() if what.startswith("cnbkit/python")]
    assert set(held) <= {"cnbkit/python:command"}


def test_a_standalone_python_is_installed_kept_and_used_by_pip(
    project: Project, mirror: str
) -> None:
    project.write(
        {"app.py": "import six\n" + APP, "requirements.txt": "six==1.17.0\n"},
    )
    options = (
        *("--env", "BP_PYTHON_STANDALONE=true"),
        *("--env", f"BP_PYTHON_DOWNLOADS={mirror}/list.json"),
        *("--env", f"BP_PYTHON_VERSION={VERSION}"),
    )
    built = project.build(*options)
    assert f"Standalone Python {VERSION}, {VERSION} from BP_PYTHON_VERSION" in built.output
    assert project.run() == f"{VERSION} /layers/cnbkit_python/interpreter\n"
    before = project.layers()

    project.write({"app.py": "import six  # changed\n" + APP})
    again = project.build(*options)
    assert f"Python {VERSION} (from cache)" in again.output
    after = project.layers()
    assert {what for what in after if after[what] != before[what]} == {"app"}

    # Back to the base image's Python: the packages are installed for it, the layer goes.
    back = project.build()
    was = f"{DEFAULT.python} (/layers/cnbkit_python/interpreter/bin/python3)"
    assert f"Python changed from {was}" in back.output
    assert project.run() == f"{VERSION} /usr\n"
    assert "cnbkit/python:interpreter" not in project.layers()


@pytest.mark.parametrize(
    ("wanted", "what"),
    [
        ("three", "'three' is not a Python version"),
        ("3.99", "there is no standalone build of Python 3.99"),
    ],
)
def test_a_version_that_cannot_be_had_is_explained(
    project: Project, wanted: str, what: str
) -> None:
    project.write({".python-version": f"{wanted}\n", "app.py": APP})
    failed = project.build(code=51)
    assert f"Error: {what}" in failed.output
    assert "Traceback" not in failed.output
