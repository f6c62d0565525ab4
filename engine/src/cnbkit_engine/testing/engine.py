"""What builds and runs images in tests: the embedded engine, with the real lifecycle.

`LifecycleBuild` and what it returns know an engine only by the protocols here, so that another
(pack with a container engine) can take its place.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from cnbkit_engine.build.build import Build
from cnbkit_engine.build.cache import app_cache
from cnbkit_engine.lifecycle.detection import Detection
from cnbkit_engine.lifecycle.failure import BuildFailed
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.store import ImageStore, UnknownImage
from cnbkit_engine.oci.unpacked import ensure_layer
from cnbkit_engine.run.run import RunOptions, command_of, image_sandbox
from cnbkit_engine.sandbox.giving import give
from cnbkit_engine.sandbox.owner import sandbox_user
from cnbkit_engine.sandbox.sandbox import Bind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnbkit_engine.oci.image import Image
    from cnbkit_engine.sandbox.sandbox import Sandbox, Sandboxed
    from cnbkit_engine.state.home import Home

__all__ = ["EmbeddedEngine", "Engine", "Options", "Outcome", "Process"]

# Runs a command with the environment of the image's layers.
_LAUNCHER = ("/cnb/lifecycle/launcher", "--")


@dataclass(frozen=True)
class Outcome:
    """What an engine says of a build.

    Args:
        code: the lifecycle's exit status.
        log: all that the lifecycle and the buildpacks printed.
        image: the image; None if there is none.
        states: "built" or "reused", by the lifecycle's name for the layer.
        why: reasons for rebuilds, by `buildpack_id:layer`.
        detected: what each buildpack said in detect, by its id.
    """

    code: int
    log: str
    image: Image | None
    states: Mapping[str, str]
    why: Mapping[str, str]
    detected: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """What else a test says of a build.

    Args:
        volumes: folders and files of this machine shown to buildpacks: path here → path there.
        exec_env: what the image is for; "production" if empty.
        arch: `amd64` or `arm64`; this machine's if empty.
        network: of the buildpacks: `host`, `none` or `private`.
        clear_cache: begin with an empty cache and no previous image.
        default_process: the process type the image starts.
    """

    volumes: Mapping[Path, str] = field(default_factory=dict)
    exec_env: str = ""
    arch: str = ""
    # Tests serve package indexes on loopback.
    network: str = "host"
    clear_cache: bool = False
    default_process: str = ""


class Process(Protocol):
    """A process of an image."""

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""

    def wait(self) -> int:
        """Wait for its end; its exit status."""

    def stop(self) -> None:
        """End it, if it runs, and clean up."""

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a shell command where it runs."""


class Engine(Protocol):
    """Builds and runs images."""

    def build(
        self,
        app: Path,
        name: str,
        builder: Path,
        env: Mapping[str, str],
        options: Options,
    ) -> Outcome:
        """Build an image with the buildpacks of a builder.toml."""

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
    ) -> Process:
        """Start a process type, or a command with the launcher's environment."""

    def files(self, image: Image, kind: str) -> list[Path]:
        """The roots of an image's layers of one kind, unpacked."""

    def remove(self, name: str) -> None:
        """Forget an image and its cache."""


_PLAIN = Options()


class EmbeddedEngine:
    """Builds with the real lifecycle in a sandbox, without a container engine.

    Args:
        home: where base images and images are.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._store = ImageStore(home.images)

    def build(
        self,
        app: Path,
        name: str,
        builder: Path,
        env: Mapping[str, str],
        options: Options = _PLAIN,
    ) -> Outcome:
        """Build an image with the buildpacks of a builder.toml."""
        lines: list[str] = []
        detection = Detection()
        build = Build(
            app=app,
            name=name,
            builder=builder,
            env=env,
            volumes=tuple(Bind(source, target) for source, target in options.volumes.items()),
            clear_cache=options.clear_cache,
            force=True,  # tests see what buildpacks do with an app that has not changed
            default_process=options.default_process,
            exec_env=options.exec_env,
            arch=options.arch,
            network=options.network,
            verbose=True,
            detection=detection,
            show=lines.append,
        )
        try:
            done = build.run(self._home)
        except BuildFailed as failed:
            log = "\n".join([*lines, str(failed)])
            return Outcome(failed.exit_code, log, None, {}, {}, detection.answers)
        log = "\n".join(lines)
        return Outcome(0, log, done.image, done.layers, done.why, detection.answers)

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
    ) -> _SandboxProcess:
        """Start a process type, or a command with the launcher's environment."""
        place = Path(os.path.realpath(tempfile.gettempdir()))
        for source in binds:
            if place in source.resolve().parents:
                give(source.resolve(), sandbox_user(), within=place)
        shown = [Bind(source, target, writable=True) for source, target in binds.items()]
        options = RunOptions(env=env or {}, binds=tuple(shown))
        sandbox = image_sandbox(self._home, self._store, image, options)
        argv = [*_LAUNCHER, *command] if command else command_of(image, process, args)
        running = sandbox.popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors or subprocess.STDOUT,
        )
        return _SandboxProcess(running, sandbox)

    def files(self, image: Image, kind: str) -> list[Path]:
        """The roots of an image's layers of one kind, unpacked."""
        layers = [layer for layer in image.layers if layer.kind == kind]
        return [ensure_layer(self._home, self._store, layer) for layer in layers]

    def remove(self, name: str) -> None:
        """Forget an image and its cache."""
        with suppress(UnknownImage):
            self._store.remove(name)
        shutil.rmtree(app_cache(self._home, Reference.parse(name)), ignore_errors=True)


class _SandboxProcess:
    """A process in the embedded engine's sandbox."""

    def __init__(self, running: Sandboxed, sandbox: Sandbox) -> None:
        self._running = running
        self._sandbox = sandbox

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._running.process.poll()

    def wait(self) -> int:
        """Wait for its end; its exit status."""
        return self._running.wait()

    def stop(self) -> None:
        """End it, if it runs, and clean up."""
        with self._running:
            self._running.stop()

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a shell command where it runs."""
        pid = self._running.pid
        # Root in there is nobody, who can make no files: it becomes the user that the process runs
        # as, after it has entered all namespaces, since some are of one around the user's own.
        who = ["--preserve-credentials"]
        if sandbox_user():
            who = [f"--setuid={self._sandbox.uid}", f"--setgid={self._sandbox.gid}"]
        return subprocess.run(
            [
                *("nsenter", *who, "--user", "--mount", "--pid", "--ipc", "--uts"),
                *("--root", "--wd", f"--target={pid}"),
                *(*_LAUNCHER, "/bin/sh", "-c", command),
            ],
            env={"PATH": os.defpath, **self._sandbox.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
