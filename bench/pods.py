"""Steps of a pod: a container each, of the builder image, with folders that they share."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cnbkit_engine.sandbox.certificates import BUNDLE, host_bundle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cnbkit_engine.testing.docker import DockerEngine

__all__ = ["Pod", "Step"]

_OWNER = 1000
"""User and group of cnbkit's builders."""


@dataclass(frozen=True)
class Step:
    """A container of a pod.

    Args:
        argv: program and arguments.
        mounts: the pod's folders, by the path where the container has them.
        env: its environment, besides the image's.
    """

    argv: tuple[str, ...]
    mounts: Mapping[str, str]
    env: Mapping[str, str] = field(default_factory=dict)


class Pod:
    """Folders that live as long as the pod, and its steps, one after the other.

    Args:
        docker: runs the containers, in this machine's network.
        image: of all steps.
        folder: made; holds the pod's folders.
        files: more files and folders that each step has, by their paths in the containers.
    """

    def __init__(
        self, docker: DockerEngine, image: str, folder: Path, files: Mapping[str, Path]
    ) -> None:
        self._docker = docker
        self._image = image
        self._folder = folder
        self._files = dict(files)
        if bundle := host_bundle():
            self._files[BUNDLE] = bundle.resolve()
        folder.mkdir()

    def folder(self, name: str) -> Path:
        """A folder of the pod, empty at first, that belongs to the builder's user."""
        path = self._folder / name
        if not path.exists():
            path.mkdir()
            os.chown(path, _OWNER, _OWNER)
        return path

    def put(self, source: Path, name: str) -> None:
        """Make a folder of the pod a copy of another one."""
        target = self.folder(name)
        shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)
        for path in [target, *target.rglob("*")]:
            os.chown(path, _OWNER, _OWNER, follow_symlinks=False)

    def run(self, step: Step) -> str:
        """Run one step, and return what it printed.

        Raises:
            AssertionError: it failed.
        """
        program, *arguments = step.argv
        options = ["--rm", "--network", "host", "--user", f"{_OWNER}:{_OWNER}"]
        for path, name in step.mounts.items():
            options += ["--volume", f"{self.folder(name)}:{path}"]
        for path, source in self._files.items():
            options += ["--volume", f"{source}:{path}:ro"]
        for name, value in step.env.items():
            options += ["--env", f"{name}={value}"]
        done = self._docker.docker(
            "run", *options, "--entrypoint", program, self._image, *arguments
        )
        return done.stdout
