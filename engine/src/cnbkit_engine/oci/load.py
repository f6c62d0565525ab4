"""Images into a container engine of this machine: Docker or Podman, whichever answers."""

from __future__ import annotations

import subprocess
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault
from cnbkit_engine.oci.export import export_docker_archive

if TYPE_CHECKING:
    from cnbkit_engine.oci.store import ImageStore

__all__ = ["ContainerEngine"]

_PROGRAMS = ("docker", "podman")
_SECONDS = 30  # for an engine to say that it is there
_TOLD = 400


class ContainerEngine:
    """A container engine, by its command-line program.

    Args:
        program: its path.
    """

    def __init__(self, program: str) -> None:
        self._program = program

    @property
    def name(self) -> str:
        """`docker` or `podman`."""
        return Path(self._program).name

    @classmethod
    def running(cls) -> ContainerEngine:
        """The first that answers of docker and podman on PATH.

        Where its engine is, each finds out by itself: DOCKER_HOST, contexts, CONTAINER_HOST.

        Raises:
            PlatformFault: neither is there, or answers; with what they say.
        """
        said = []
        for name in _PROGRAMS:
            program = which(name)
            if program is None:
                continue
            try:
                done = subprocess.run(
                    [program, "version"],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    errors="replace",
                    timeout=_SECONDS,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                said.append(f"{program}: {error}")
                continue
            if done.returncode == 0:
                return cls(program)
            said.append(f"{program}: {done.stderr.strip()[-_TOLD:]}")
        raise PlatformFault(
            "no container engine is running" if said else "there is neither docker nor podman",
            where="--load",
            remedy="start it, or write the image to a file: --output docker-archive:FILE",
            detail="\n".join(said) or None,
        )

    def load(self, store: ImageStore, name: str) -> str:
        """Give it an image of the store, under the same name; returns what it says.

        Raises:
            UnknownImage: the image is not in the store.
            PlatformFault: the image is damaged, or the engine does not take it.
        """
        with subprocess.Popen(
            [self._program, "load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdin
            assert process.stdout
            try:
                # What it says is less than a pipe holds, so nothing has to be read meanwhile.
                export_docker_archive(store, name, Path(f"/dev/fd/{process.stdin.fileno()}"))
            except BrokenPipeError:
                pass  # it says why it does not read on
            except BaseException:
                process.kill()
                raise
            process.stdin.close()
            said = process.stdout.read()
        if process.returncode:
            raise PlatformFault(
                f"{self.name} does not take the image {name}",
                where=self._program,
                remedy="see what it says; the image itself is built, and in cnbkit's store",
                detail=said.strip()[-_TOLD:] or None,
            )
        return said
