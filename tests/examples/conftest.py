"""Real builds with builders of a few buildpacks' folders."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.build.cache import app_cache
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.store import ImageStore, UnknownImage
from cnbkit_engine.state.home import Home
from cnbkit_engine.state.workspace import remove_tree
from cnbkit_engine.testing import Container, EmbeddedEngine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CNBKIT = str(Path(sys.executable).with_name("cnbkit"))


class Engine:
    """An app, the image made of it, and builders made as needed."""

    def __init__(self, folder: Path) -> None:
        self.app = folder / "app"
        self.app.mkdir()
        self.name = f"test-{uuid.uuid4().hex[:12]}"
        self.home = Home.default()
        self._builder = folder / "builder.toml"
        self._store = ImageStore(self.home.images)

    def write(self, files: Mapping[str, str]) -> None:
        """Add or replace files of the app."""
        for name, text in files.items():
            (self.app / name).write_text(text)

    def build(self, *given: Path | str, builder: Path | None = None, code: int = 0) -> str:
        """Build with one group of these buildpacks, in this order, or with a builder of its own.

        Args:
            given: folders of buildpacks; texts are options of `cnbkit build`.
            builder: the builder.
            code: the exit status it has to have.

        Returns:
            What was printed.
        """
        folders = [each for each in given if isinstance(each, Path)]
        lines = [f'[[buildpacks]]\nuri = "{folder}"\n' for folder in folders]
        lines.append("[[order]]\n")
        for folder in folders:
            table = tomllib.loads((folder / "buildpack.toml").read_text())["buildpack"]
            lines.append(f'[[order.group]]\nid = "{table["id"]}"\n')
        self._builder.write_text("\n".join(lines))
        return self.cnbkit(
            *("build", str(self.app), "--tag", self.name, "--verbose"),
            *("--builder", str(builder or self._builder)),
            *(each for each in given if isinstance(each, str)),
            code=code,
        )

    def run(self, *arguments: str) -> str:
        """`cnbkit run`; what the app printed."""
        return self.cnbkit("run", self.name, *arguments)

    def labels(self) -> Mapping[str, str]:
        """The image's labels."""
        return Image.from_store(self._store, self.name).labels

    def digest(self) -> str:
        """Of the image as it is in the store now."""
        return Image.from_store(self._store, self.name).digest

    def start(self, env: Mapping[str, str]) -> Container:
        """Start the image in the background."""
        image = Image.from_store(self._store, self.name)
        engine = EmbeddedEngine(self.home)
        return Container(
            lambda output: engine.start(image, None, (), (), env, {}, output), self.app.parent
        )

    def remove(self) -> None:
        """Forget image and cache."""
        with suppress(UnknownImage):
            self._store.remove(self.name)
        remove_tree(app_cache(self.home, Reference.parse(self.name)))

    def cnbkit(self, *arguments: str, code: int = 0) -> str:
        """Run the command line to its end; what was printed."""
        done = subprocess.run(
            [CNBKIT, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return done.stdout


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty app."""
    made = Engine(tmp_path)
    yield made
    made.remove()
