"""pack with a real container engine, in the place of the embedded engine.

`LifecycleBuild` knows neither, so a test written for `lifecycle_build` runs with `pack_build` too.
What differs, because pack shows less: `BuiltApp.why` is empty, the log says the reasons.

Images go to a registry (`--publish`) and not into the engine: that works with every engine, and the
registry is where both kinds of build can be looked at in the same way.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import uuid
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.builder.folder import ensure_builder
from cnbkit_engine.builder.image import BuilderImage
from cnbkit_engine.buildpack.assemble import Runtime
from cnbkit_engine.lifecycle.archive import lifecycle_table
from cnbkit_engine.lifecycle.install import LIFECYCLE_VERSION, ensure_crane, ensure_lifecycle
from cnbkit_engine.lifecycle.output import Narrator
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.layer import Entry, folder_entries
from cnbkit_engine.oci.layout import Layout
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore, UnknownImage
from cnbkit_engine.oci.types import Descriptor
from cnbkit_engine.oci.unpacked import ensure_layer
from cnbkit_engine.sandbox.certificates import BUNDLE, host_bundle
from cnbkit_engine.state.home import Home
from cnbkit_engine.state.workspace import Workspace
from cnbkit_engine.testing.docker import DockerEngine, LocalRegistry
from cnbkit_engine.testing.engine import Options, Outcome
from cnbkit_engine.tools.pack import ensure_pack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["PackEngine", "PackServices"]

_LAUNCHER = "/cnb/lifecycle/launcher"
_PLAIN = Options()
# What pack and Docker call the networks.
_NETWORKS = {"host": "host", "none": "none", "private": "bridge"}
_PREFIX = re.compile(r"^\[[a-z]+\] ")
_STATUS = re.compile(r"status code: (\d+)")


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
            BuilderImage(descriptor, run_image=self.run_image).publish(self.home, name)
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


class PackEngine:
    """Builds with pack, runs with Docker; see `cnbkit_engine.testing.engine.Engine`.

    Args:
        services: what it uses.
        options: more options for every `pack build`.
        trusted: whether the builder is trusted; pack runs an untrusted one in five containers
            instead of one.
    """

    def __init__(
        self, services: PackServices, options: Sequence[str] = (), *, trusted: bool = True
    ) -> None:
        self._services = services
        self._options = list(options)
        self._trusted = trusted

    def reference(self, name: str) -> str:
        """The name an image has in the registry."""
        return f"{self._services.registry}/{name}"

    def build(
        self,
        app: Path,
        name: str,
        builder: Path | str,
        env: Mapping[str, str],
        options: Options = _PLAIN,
    ) -> Outcome:
        """Build an image with the buildpacks of a builder.toml, or with a builder image."""
        services = self._services
        image = services.builder(builder) if isinstance(builder, Path) else builder
        command = [
            *("build", self.reference(name), "--path", str(app), "--builder", image),
            *(
                "--publish",
                "--network",
                _NETWORKS[options.network],
                "--pull-policy",
                "if-not-present",
                "--no-color",
            ),
        ]
        if self._trusted:
            command += ["--trust-builder"]
        else:
            command += ["--trust-builder=false", "--lifecycle-image", services.lifecycle_image()]
        for key, value in env.items():
            command += ["--env", f"{key}={value}"]
        if bundle := host_bundle():
            command += ["--volume", f"{bundle.resolve()}:{BUNDLE}:ro"]
        for source, target in options.volumes.items():
            command += ["--volume", f"{source}:{target}:ro"]
        if options.clear_cache:
            command += ["--clear-cache"]
        if options.default_process:
            command += ["--default-process", options.default_process]
        if options.exec_env:
            command += ["--exec-env", options.exec_env]
        if options.arch:
            command += ["--platform", f"linux/{options.arch}"]
        done = services.pack(*command, *self._options, code=None)
        narrator = Narrator(lambda _line: None, StringIO(), verbose=False)
        for line in done.stdout.splitlines():
            narrator.line(_PREFIX.sub("", line.rstrip()))
        if done.returncode:
            status = _STATUS.findall(done.stdout)
            code = int(status[-1]) if status else done.returncode
            return Outcome(code, done.stdout, None, {}, {})
        return Outcome(0, done.stdout, self.fetched(name), narrator.layers, {})

    def fetched(self, name: str) -> Image:
        """The image as the registry has it now."""
        services = self._services
        Remote(self.reference(name)).fetch(services.store, name, services.arch)
        return Image.from_store(services.store, name)

    def start(
        self,
        image: Image,
        process: str | None,
        args: Sequence[str],
        command: Sequence[str],
        env: Mapping[str, str],
        binds: Mapping[Path, str],
        output: IO[bytes],
        errors: IO[bytes] | None = None,
    ) -> _DockerProcess:
        """Start a process type, or a command with the launcher's environment."""
        docker = self._services.docker
        name = f"test-{uuid.uuid4().hex[:12]}"
        options = ["--name", name, "--network", "host"]
        for key, value in env.items():
            options += ["--env", f"{key}={value}"]
        for source, target in binds.items():
            options += ["--volume", f"{source}:{target}"]
        arguments = list(args)
        if command:
            options += ["--entrypoint", _LAUNCHER]
            arguments = ["--", *command]
        elif process:
            options += ["--entrypoint", f"/cnb/process/{process}"]
        reference = f"{self.reference(image.name).partition('@')[0]}@{image.digest}"
        docker.docker("pull", "--quiet", reference)
        running = subprocess.Popen(
            docker.command("run", *options, reference, *arguments),
            env=docker.environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors or subprocess.STDOUT,
        )
        return _DockerProcess(docker, name, running)

    def files(self, image: Image, kind: str) -> list[Path]:
        """The roots of an image's layers of one kind, unpacked."""
        services = self._services
        layers = [layer for layer in image.layers if layer.kind == kind]
        return [ensure_layer(services.own, services.store, layer) for layer in layers]

    def remove(self, name: str) -> None:
        """Forget an image; its cache goes with the engine."""
        with suppress(UnknownImage):
            self._services.store.remove(name)


class _DockerProcess:
    """A process in a container."""

    def __init__(self, docker: DockerEngine, name: str, running: subprocess.Popen[bytes]) -> None:
        self._docker = docker
        self._name = name
        self._running = running

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._running.poll()

    def wait(self) -> int:
        """Wait for its end; its exit status."""
        return self._running.wait()

    def stop(self) -> None:
        """End it, if it runs, and clean up."""
        self._docker.docker("rm", "--force", self._name, check=False)
        self._running.wait()

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a shell command where it runs."""
        return self._docker.docker(
            "exec", self._name, _LAUNCHER, "--", "/bin/sh", "-c", command, check=False
        )
