"""The two sides of the comparison: one app built by Docker, and built by cnbkit."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bench.measure import Command, timed
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.workspace import remove_tree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.docker_engine import DockerEngine
    from bench.registry import LocalRegistry
    from cnbkit_engine.state.home import Home

__all__ = ["App", "CnbkitSide", "DockerSide", "Side"]

# A light package the app has beside its heavy ones, in versions that all exist.
_LIGHT = ("2025.8.3", "2025.7.14", "2025.6.15", "2025.4.26", "2025.1.31", "2024.12.14",
          "2024.8.30", "2024.7.4", "2024.6.2", "2024.2.2", "2023.11.17", "2023.7.22")  # fmt: skip


class App:
    """A copy of the example that a side builds, and the changes made to it.

    Args:
        source: the example.
        folder: the copy.
    """

    def __init__(self, source: Path, folder: Path) -> None:
        self._source = source
        self.folder = folder

    def reset(self) -> None:
        """Make it the example again, plus the light package."""
        remove_tree(self.folder)
        shutil.copytree(self._source, self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        self.change_light(0)

    def change_code(self, number: int) -> None:
        """Change one line of app.py to what it never was."""
        path = self.folder / "app.py"
        lines = path.read_text().splitlines()
        place = next(i for i, line in enumerate(lines) if line.startswith("GREETING = "))
        lines[place] = f'GREETING = "Shapes in the picture, number {number}"'
        path.write_text("\n".join(lines) + "\n")

    def change_light(self, number: int) -> None:
        """Ask for another version of the light package."""
        path = self.folder / "requirements.txt"
        kept = [line for line in path.read_text().splitlines() if not line.startswith("certifi")]
        path.write_text("\n".join([*kept, f"certifi=={_LIGHT[number % len(_LIGHT)]}"]) + "\n")


class Side(Protocol):
    """Something that builds the app."""

    name: str
    app: App

    def reset(self) -> None:
        """Forget everything of earlier builds, and take a new image name."""

    def build(self) -> Mapping[str, float]:
        """Build, and return the seconds by where the image ended: `registry`, `local`."""

    def size(self) -> int:
        """Compressed bytes of the image in the registry; 0 if it is not there."""


class DockerSide:
    """`docker build`, then `docker push`.

    Args:
        name: what to call it in tables.
        dockerfile: how the app is built; its FROM line is put before it.
        base: the image for FROM.
        engine: a running engine.
        registry: where to push.
        app: what to build; this class writes a Dockerfile into it.
        log: gets the output of all commands.
    """

    def __init__(
        self,
        name: str,
        dockerfile: str,
        base: str,
        engine: DockerEngine,
        registry: LocalRegistry,
        app: App,
        log: Path,
    ) -> None:
        self.name = name
        self.app = app
        self._dockerfile = f"FROM {base}\n{dockerfile}"
        self._engine = engine
        self._registry = registry
        self._log = log
        self._round = 0

    @property
    def _repository(self) -> str:
        return f"{self.app.folder.name}-{self._round}"

    @property
    def _tag(self) -> str:
        return f"{self._registry.host}/{self._repository}:latest"

    def reset(self) -> None:
        """Empty the build cache; drop the image built before."""
        if self._round:
            self._engine.run("rmi", "--force", self._tag)
        self._engine.forget_builds()
        self._round += 1
        self.app.reset()
        (self.app.folder / "Dockerfile").write_text(self._dockerfile)
        (self.app.folder / ".dockerignore").write_text("Dockerfile\n.dockerignore\n")

    def build(self) -> Mapping[str, float]:
        """Build and push."""
        build = timed(self._engine.build(self.app.folder, self._tag), self._log)
        push = timed(self._engine.command("push", "--quiet", self._tag), self._log)
        return {"local": build, "registry": build + push}

    def size(self) -> int:
        """Compressed bytes in the registry."""
        return self._registry.size(self._repository)


class CnbkitSide:
    """`cnbkit build`, into its own store or with `--publish`.

    Args:
        name: what to call it in tables.
        registry: where to publish; None for the store.
        home: where it keeps its state: always this path, since assembled buildpacks depend on it.
        prepared: has base images and tools; they are linked to, not copied.
        app: what to build.
        log: gets the output of all commands.
        options: more of `cnbkit build`.
    """

    def __init__(
        self,
        name: str,
        registry: LocalRegistry | None,
        home: Home,
        prepared: Home,
        app: App,
        log: Path,
        options: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.app = app
        self._registry = registry
        self._home = home
        self._prepared = prepared
        self._log = log
        self._options = options
        self._round = 0

    @property
    def _repository(self) -> str:
        return f"{self.app.folder.name}-{self._round}"

    def reset(self) -> None:
        """Leave in the home nothing but tools, base images and assembled buildpacks."""
        self._round += 1
        self.app.reset()
        home = self._home
        for folder in (home.images, home.cache, home.layers, home.tmp):
            remove_tree(folder)
        home.root.mkdir(parents=True, exist_ok=True)
        for name in ("base", "tools"):
            if not (home.root / name).is_symlink():
                (home.root / name).symlink_to(self._prepared.root / name)
        _copy_run_image(ImageStore(self._prepared.images), ImageStore(home.images))

    def build(self) -> Mapping[str, float]:
        """Build."""
        where = ["--tag", self._repository]
        if self._registry:
            host = self._registry.host
            where = ["--publish", f"{host}/{self._repository}", "--insecure-registry", host]
        program = Path(sys.executable).with_name("cnbkit")
        command = Command(
            (str(program), "build", str(self.app.folder), *where, *self._options),
            env=os.environ | {"CNBKIT_HOME": str(self._home.root)},
        )
        return {"registry" if self._registry else "local": timed(command, self._log)}

    def size(self) -> int:
        """Compressed bytes in the registry."""
        return self._registry.size(self._repository) if self._registry else 0


def _copy_run_image(source: ImageStore, target: ImageStore) -> None:
    for name in (name for name in source.names() if name.startswith("cnbkit/run:")):
        image = source.resolve(name)
        for part in source.reachable(image):
            path = target.blob_path(part.digest)
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source.blob_path(part.digest), path)
        target.put_manifest(name, image.media_type, source.read_blob(image.digest))
