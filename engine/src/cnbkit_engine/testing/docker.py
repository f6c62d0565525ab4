"""A Docker engine and a registry of our own, on this machine's loopback, gone at the end.

Docker's own engine is what pack talks to. It needs root and Debian's `docker.io` (`tools/setup
test` installs it); a Docker that is already here is not touched.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["DockerEngine", "LocalRegistry"]

_DAEMON = "/usr/sbin/dockerd"
_CLIENT = "/usr/bin/docker"  # by its path: a newer one on PATH would want another engine
_PATIENCE = 60.0  # seconds


class DockerEngine:
    """Debian's Docker engine on a private socket and data folder.

    Containers use this machine's network: no bridge and no firewall rule is made.

    Args:
        folder: a short path on a disk, which is made; holds all the engine has.

    Attributes:
        env: the environment for programs that talk to it, besides this process's own.

    Raises:
        PlatformFault: it is not installed, or does not start; the end of its log is in it.
    """

    def __init__(self, folder: Path) -> None:
        for program in (_DAEMON, _CLIENT):
            if not os.access(program, os.X_OK):
                raise PlatformFault(
                    "there is no Docker engine, which pack needs",
                    where=program,
                    remedy="apt-get install --no-install-recommends docker.io",
                )
        self.folder = folder
        socket = folder / "docker.sock"
        (folder / "config").mkdir(parents=True)
        self.env = {"DOCKER_HOST": f"unix://{socket}", "DOCKER_CONFIG": str(folder / "config")}
        self._process = _start(
            [
                *(_DAEMON, "--host", f"unix://{socket}", "--log-level", "warn"),
                *("--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
                *("--pidfile", str(folder / "pid")),
                *("--iptables=false", "--ip6tables=false", "--bridge=none"),
            ],
            folder / "dockerd.log",
            lambda _log: self.docker("version", check=False).returncode == 0,
        )

    def docker(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a docker command.

        Raises:
            AssertionError: it failed, and `check` is set.
        """
        done = subprocess.run(
            self.command(*arguments),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"docker {' '.join(arguments)} failed:\n{done.stdout}")
        return done

    def command(self, *arguments: str) -> list[str]:
        """A docker command, to be run with `environment`."""
        return [_CLIENT, *arguments]

    def environment(self) -> dict[str, str]:
        """The environment for programs that talk to the engine."""
        return {**os.environ, **self.env}

    def stop(self) -> None:
        """End its containers and itself; its folder stays."""
        if running := self.docker("ps", "--quiet", "--all", check=False).stdout.split():
            self.docker("rm", "--force", *running, check=False)
        _end(self._process)
        _unmount_below(self.folder)


class LocalRegistry:
    """A registry that keeps its images on disk: go-containerregistry's.

    Args:
        crane: the program.
        folder: for images and log; made.

    Attributes:
        host: `127.0.0.1:port`.

    Raises:
        PlatformFault: it does not start.
    """

    def __init__(self, crane: Path, folder: Path) -> None:
        (folder / "blobs").mkdir(parents=True)
        log = folder / "registry.log"
        self.host = ""

        def ready(text: str) -> bool:
            # "serving on port 40123"
            line = next((line for line in text.splitlines() if "port " in line), "")
            self.host = f"127.0.0.1:{line.split()[-1]}" if line else ""
            return bool(line)

        serve = ["registry", "serve", "--address", "127.0.0.1:0", "--disk", str(folder / "blobs")]
        self._process = _start([str(crane), *serve], log, ready)

    def stop(self) -> None:
        """End it."""
        _end(self._process)


def _start(
    argv: Sequence[str],
    log: Path,
    ready: Callable[[str], bool],
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        # In a session of its own Ctrl-C does not reach it; it is ended by `stop`, or with us.
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *argv],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    end = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < end:
        if ready(log.read_text(encoding="utf-8", errors="replace")):
            return process
        time.sleep(0.1)
    _end(process)
    raise PlatformFault(
        f"{Path(argv[0]).name} does not start",
        where=str(log),
        remedy="see what it says; the Docker engine needs root",
        detail="\n".join(log.read_text(errors="replace").splitlines()[-10:]),
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its own session: nothing but its own
            process.wait()


def _unmount_below(folder: Path) -> None:
    """What a killed engine leaves mounted would keep its folder from being removed."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in sorted((m for m in mounts if m.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
