"""pack with a real container engine, in the place of the embedded engine.

`LifecycleBuild` knows neither, so a test written for `lifecycle_build` runs with `pack_build` too.
What differs, because pack shows less: `BuiltApp.why` is empty, the log says the reasons.

Images go to a registry (`--publish`) and not into the engine: that works with every engine, and the
registry is where both kinds of build can be looked at in the same way.
"""

from __future__ import annotations

import re
import subprocess
import uuid
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cnbkit_engine.lifecycle.output import Narrator
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import UnknownImage
from cnbkit_engine.oci.unpacked import ensure_layer
from cnbkit_engine.sandbox.certificates import BUNDLE, host_bundle
from cnbkit_engine.testing.engine import Options, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnbkit_engine.testing.docker import DockerEngine
    from cnbkit_engine.testing.pack_services import PackServices

__all__ = ["PackEngine"]

_LAUNCHER = "/cnb/lifecycle/launcher"
_PLAIN = Options()
# What pack and Docker call the networks.
_NETWORKS = {"host": "host", "none": "none", "private": "bridge"}
_PREFIX = re.compile(r"^\[[a-z]+\] ")
_STATUS = re.compile(r"status code: (\d+)")


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
