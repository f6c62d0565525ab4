"""Real builds: `cnbkit` as a person calls it, with the real lifecycle and the real package index.

The state folder is the default one, so that base images and lifecycle are made once a machine;
images get names of their own and are removed afterwards.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.ordinary_user import ORDINARY

from cnbkit_engine.build.build import prepare
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home
from cnbkit_engine.testing import Container, EmbeddedEngine

from .attacks import USERS, attacking

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .attacks import Attack

ROOT = Path(__file__).resolve().parents[2]
CNBKIT = str(Path(sys.executable).with_name("cnbkit"))


class Result:
    """What a command left: its exit status, and stdout and stderr as one text."""

    def __init__(self, code: int, output: str) -> None:
        self.code = code
        self.output = output

    def lines(self, start: str) -> list[str]:
        """The output's lines that begin so."""
        return [line for line in self.output.splitlines() if line.startswith(start)]


class Project:
    """An app and the image made of it."""

    def __init__(self, app: Path, home: Home) -> None:
        self.app = app
        self.home = home
        self.name = f"test-{uuid.uuid4().hex[:12]}"
        self.store = ImageStore(home.images)
        self.engine = EmbeddedEngine(home)

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Add or replace files of the app."""
        for name, content in files.items():
            path = self.app / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def build(self, *options: str, code: int = 0, env: Mapping[str, str] | None = None) -> Result:
        """`cnbkit build --verbose --force`; its exit status has to be `code`."""
        always = ("--tag", self.name, "--verbose", "--force")
        result = cnbkit("build", str(self.app), *always, *options, env=env)
        assert result.code == code, result.output
        return result

    def run(self, *arguments: str, code: int = 0) -> str:
        """`cnbkit run`; what the app printed."""
        result = cnbkit("run", self.name, *arguments)
        assert result.code == code, result.output
        return result.output

    def start(self, process: str | None = None, *, env: Mapping[str, str]) -> Container:
        """Start a process of the image in the background."""
        image = self.image()
        return Container(
            lambda output: self.engine.start(image, process, (), (), env, {}, output),
            self.app.parent,
        )

    def image(self) -> Image:
        """The image as it is in the store now."""
        return Image.from_store(self.store, self.name)

    def layers(self) -> dict[str, str]:
        """Digest of each layer by what it is."""
        return {layer.what: layer.diff_id for layer in self.image().layers}

    def remove(self) -> None:
        """Forget image and cache."""
        self.engine.remove(self.name)


def cnbkit(*arguments: str, env: Mapping[str, str] | None = None) -> Result:
    """Run the command line to its end, which leaves no temporary file, whatever comes of it."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as temporary:
        Path(temporary).chmod(0o1777)
        done = subprocess.run(
            [CNBKIT, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "TMPDIR": temporary, **(env or {})},
            check=False,
        )
        assert [*Path(temporary).iterdir()] == []
    return Result(done.returncode, done.stdout.decode(errors="replace"))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty app."""
    made = Project(tmp_path / "app", Home.default())
    made.app.mkdir()
    yield made
    made.remove()


@pytest.fixture
def vision(tmp_path: Path) -> Iterator[Project]:
    """A copy of examples/vision."""
    made = Project(tmp_path / "vision", Home.default())
    shutil.copytree(ROOT / "examples" / "vision", made.app)
    yield made
    made.remove()


def _copy(folder: Path, to: Path) -> None:
    """Copy what is there; what other tests' builds take away meanwhile is not missed."""
    done = subprocess.run(
        ["cp", "-a", "--reflink=auto", folder, to],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    faults = done.stderr.splitlines()
    assert all(line.endswith(": No such file or directory") for line in faults), done.stderr
    assert done.returncode == 0 or faults


@pytest.fixture(scope="session")
def user_home() -> Iterator[Home]:
    """An ordinary user's state folder, with what a build needs."""
    home = Home.default()
    if os.geteuid() != 0:
        yield home
        return
    prepare(home, ImageStore(home.images), ROOT / "builder" / "builder.toml", print)
    # Not in a folder of pytest's, which are root's alone.
    copy = Home(Path(tempfile.mkdtemp(prefix="cnbkit-user-home-")))
    try:
        for folder in (home.base, home.tools, home.images):
            _copy(folder, copy.root)
        subprocess.run(["chown", "-Rh", f"{ORDINARY}:{ORDINARY}", copy.root], check=True)
        copy.root.chmod(0o755)
        yield copy
    finally:
        shutil.rmtree(copy.root)


@pytest.fixture(params=USERS)
def attack(request: pytest.FixtureRequest, user_home: Home) -> Iterator[Attack]:
    """A build whose buildpack attacks, by each kind of user."""
    home = Home.default() if request.param == "root" else user_home
    with attacking(home, request.param) as made:
        yield made
