"""pack with the services it needs: a Docker engine, a registry, its own home."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.builder.folder import ensure_builder
from cnbkit_engine.builder.image import BuilderImage
from cnbkit_engine.buildpack.assemble import Runtime
from cnbkit_engine.lifecycle.archive import lifecycle_table
from cnbkit_engine.lifecycle.install import LIFECYCLE_VERSION, ensure_crane, ensure_lifecycle
from cnbkit_engine.oci.layer import Entry, folder_entries
from cnbkit_engine.oci.layout import Layout
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.oci.types import Descriptor
from cnbkit_engine.state.home import Home
from cnbkit_engine.state.workspace import Workspace
from cnbkit_engine.testing.docker import DockerEngine, LocalRegistry
from cnbkit_engine.tools.pack import ensure_pack

__all__ = ["PackServices"]


class PackServices:
    """A Docker engine, a registry with the run image in it, and pack: once a test session.

    Args:
        home: base images, the lifecycle and pack are taken from there.

    Attributes:
        docker: the engine.
        registry: host and port of the registry.
        run_image: the run image there.
        store: images that were built, fetched from the registry.

    Raises:
        PlatformFault: something is not installed or does not start.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self.arch = machine_architecture()
        self._pack = ensure_pack(home, arch=self.arch, progress=print)
        # Short, because a socket's path must not be longer than 107 bytes. It holds a gigabyte,
        # so that its removal is left to a process of its own.
        self._space = Workspace(Path(tempfile.gettempdir()) / "cnbkit-pack", background=True)
        self._folder = self._space.__enter__()
        self.own = Home(self._folder / "home")
        self.store = ImageStore(self.own.images)
        self._builders: dict[str, str] = {}
        self._lifecycle_image = ""
        crane = ensure_crane(home, arch=self.arch, progress=print)
        self._registry = LocalRegistry(crane, self._folder / "registry")
        self.registry = self._registry.host
        try:
            self.docker = DockerEngine(self._folder / "docker")
        except BaseException:
            self._registry.stop()
            raise
        base = BaseImages(home, ImageStore(home.images), progress=print)
        name = base.ensure_run_image()
        self.run_image = f"{self.registry}/run:1"
        found = ImageStore(home.images).resolve(name)
        Remote(self.run_image).push(home.images, found)

    def stop(self) -> None:
        """End everything and remove it."""
        self.docker.stop()
        self._registry.stop()
        self._space.__exit__(None, None, None)

    def pack(self, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run pack.

        Args:
            arguments: its command line.
            code: the exit status it has to end with; any if None.

        Raises:
            AssertionError: it ended with another.
        """
        done = subprocess.run(
            [str(self._pack), *arguments],
            env={
                **self.docker.environment(),
                "PACK_HOME": str(self._folder / "pack"),
                "PACK_VOLUME_KEY": "cnbkit",  # else each build has a cache of its own
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if code not in (None, done.returncode):
            raise AssertionError(
                f"pack {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}"
            )
        return done

    def builder(self, descriptor: Path) -> str:
        """The builder image of a builder.toml in the registry; made again when a source changes."""
        root = BaseImages(self.home, ImageStore(self.home.images)).ensure_build_root()
        folder = ensure_builder(self.home, descriptor, Runtime(arch=self.arch), root)
        if folder.name not in self._builders:
            name = f"{self.registry}/builder:{folder.name}"
            image = BuilderImage(descriptor, run_image=self.run_image, targets=[self.arch])
            image.publish(self.home, name)
            self._builders[folder.name] = name
        return self._builders[folder.name]

    def lifecycle_image(self) -> str:
        """An image with the lifecycle, which pack runs beside builders it does not trust."""
        if not self._lifecycle_image:
            folder = ensure_lifecycle(self.home, arch=self.arch)
            name = f"{self.registry}/lifecycle:{LIFECYCLE_VERSION}"
            layout = Layout(self._folder / "lifecycle")
            users = (
                Entry("/etc/passwd", b"root:x:0:0:root:/root:/sbin/nologin\n", mode=0o644),
                Entry("/etc/group", b"root:x:0:\n", mode=0o644),
            )
            scratch = Entry("/tmp", mode=0o1777)  # noqa: S108 - in the image
            folders = (Entry("/cnb"), Entry("/cnb/lifecycle"), scratch)
            entries = [Entry("/etc"), *users, *folders]
            layer = layout.layer([*entries, *folder_entries(folder, "/cnb/lifecycle")])
            labels = {
                "io.buildpacks.lifecycle.version": LIFECYCLE_VERSION,
                "io.buildpacks.lifecycle.apis": json.dumps(lifecycle_table()["apis"]),
            }
            config = {"os": "linux", "architecture": self.arch, "config": {"Labels": labels}}
            image = layout.image(config, [layer])
            layout.finish(image)
            Remote(name).push(layout.path, Descriptor.parse(image))
            self._lifecycle_image = name
        return self._lifecycle_image
